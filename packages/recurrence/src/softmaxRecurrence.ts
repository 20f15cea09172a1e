/**
 * Softmax attention behind the same interface: plain, with gates (the forgetting transformer, arXiv 2503.02130), over all
 * tokens or the last ones.
 */

import { constant, type Tape, type Variable } from '@sympow/autograd';
import { ConfigError, type Tensor } from '@sympow/kernels';
import type { AttentionInputs, Recurrence, SequenceOptions, SequenceResult } from './api';
import { cacheBytes, copyLast, memoryLike, prepareCache, softmaxMemory, spare, type SoftmaxMemory } from './cache';
import { checkInputs } from './inputs';
import { advance, streamRows } from './rows';
import { gateSum, resetGates, type GateVariables } from './sums';
import { turn, turnStream } from './turning';

/** What makes attention by softmax. */
export interface SoftmaxOptions {
  /** W ≥ 1: a token sees the last W, its own included, and the memory holds no more than it needs for that. Absent: all. */
  readonly window?: number | undefined;
}

/**
 * Makes softmax attention, exp(q·k/√d + A_i − A_j) normalised over j ≤ i, or over the last `window` of those.
 *
 * Without a window its memory grows with the stream. An initial state and vector gates are refused with ConfigError.
 *
 * @throws ConfigError for a window that is not a whole number of at least 1
 */
export function softmaxRecurrence(options: SoftmaxOptions = {}): Recurrence<SoftmaxMemory> {
  const { window } = options;
  if (window !== undefined && (!Number.isSafeInteger(window) || window < 1)) {
    throw new ConfigError({ what: 'window', value: window, expected: 'a whole number of at least 1' });
  }
  const kind = window === undefined ? 'softmax' : 'window';
  return {
    kind,
    sequence: (tape, inputs, asked) => tape.attempt(() => softmaxSequence(tape, inputs, window, asked)),
    memory(backend, shape, saved) {
      checkGateWidth(shape.gateWidth);
      return softmaxMemory(kind, backend, shape, window, saved);
    },
    memoryBytes: (shape, length) => cacheBytes(shape, length, window),
    stream: (tape, inputs, memory, lengths) =>
      tape.attempt(() => streamRows(tape, inputs, memory, lengths, { lane: memoryLike, read: streamSoftmax })),
  };
}

function softmaxSequence(
  tape: Tape,
  inputs: AttentionInputs,
  window: number | undefined,
  { state, finalState = false }: SequenceOptions = {},
): SequenceResult {
  if (state || finalState) {
    throw new ConfigError({
      what: 'a state of softmax attention',
      value: 'asked for',
      expected: 'none, as it has no state of fixed size',
      remedy: 'Use stream() with a memory.',
    });
  }
  checkInputs(inputs, undefined);
  checkGateWidth(inputs.logGate?.value.shape[3] ?? 1);
  const { q, k } = turn(tape, inputs.q, inputs.k, inputs.phases, undefined);
  const [, T, G] = k.value.shape as [number, number, number, number];
  const gates = gateSum(tape, resetGates(tape, inputs.logGate, inputs.reset, G), T);
  return { y: softmaxAttention(tape, q, k, inputs.v, gates, { window }) };
}

function checkGateWidth(width: number): void {
  if (width <= 1) return;
  throw new ConfigError({
    what: 'gates per token and head',
    value: width,
    expected: 'at most 1 with softmax attention',
    remedy: 'Vector gates need power attention.',
  });
}

/** Attention of queries q [B, T, H, d] to keys k [B, S, G, d]. */
function softmaxAttention(
  tape: Tape,
  q: Variable,
  k: Variable,
  v: Variable,
  gates: GateVariables | undefined,
  places: { readonly offset?: Tensor; readonly window: number | undefined },
): Variable {
  const [B, T, H] = q.value.shape as [number, number, number, number];
  const y = tape.result([B, T, H, v.value.shape[3] as number], [q, k, v, gates?.A]);
  const logSum: Variable = { value: tape.empty([B, T, H]), requiresGradient: false };
  const operands = {
    q: q.value,
    k: k.value,
    v: v.value,
    gates: gates?.sums,
    ...places,
    y: y.value,
    logSum: logSum.value,
  };
  tape.kernels.softmaxAttention(operands);
  tape.record([y, logSum], () => {
    const [dq, dk, dv] = [tape.empty(q.value.shape), tape.empty(k.value.shape), tape.empty(v.value.shape)];
    const dA = gates && tape.empty(gates.A.value.shape);
    tape.kernels.softmaxAttentionBackward({ ...operands, dy: tape.gradientOrZero(y), dq, dk, dv, dA });
    tape.give(q, dq);
    tape.give(k, dk);
    tape.give(v, dv);
    if (gates && dA) tape.give(gates.A, dA);
  });
  return y;
}

function streamSoftmax(
  tape: Tape,
  inputs: AttentionInputs,
  memory: SoftmaxMemory,
  active: readonly boolean[] | undefined,
): Variable {
  const { window, shape, places } = memory;
  const T = inputs.q.value.shape[1]!;
  if (window === undefined || T <= spare(window)) return readPiece(tape, inputs, memory, active);
  // Longer than the cache: by way of one that holds what is seen of the past beside the whole piece.
  const through = memoryLike(memory, shape.B, window - 1 + T);
  try {
    for (const row of places.counts.keys()) copyLast(through, row, memory, row, window - 1);
    const y = readPiece(tape, inputs, through, active);
    for (const row of places.counts.keys()) copyLast(memory, row, through, row, window - 1);
    return y;
  } finally {
    through.dispose();
  }
}

function readPiece(
  tape: Tape,
  inputs: AttentionInputs,
  memory: SoftmaxMemory,
  active: readonly boolean[] | undefined,
): Variable {
  const { backend, kernels } = tape;
  const [B, T, H] = inputs.q.value.shape as [number, number, number, number];
  const { places, phase, shape, window } = memory;
  prepareCache(memory, T);
  const y = tape.result([B, T, H, shape.e], []);
  backend.scope(() => {
    const { cache } = memory;
    const turned = turnStream(tape, inputs, phase, active);
    const logGate = resetGates(tape, inputs.logGate, inputs.reset, shape.G);
    const place = places.toAppend(active);
    kernels.append({
      ...{ k: turned.k.value, v: inputs.v.value, logGate: logGate?.value, ...place },
      ...{ keys: cache.k, values: cache.v, logGates: logGate && cache.logGate },
    });
    const gates = gateSum(tape, cache.logGate && constant(cache.logGate), cache.k.shape[1] as number);
    const answer = softmaxAttention(tape, turned.q, constant(cache.k), constant(cache.v), gates, {
      offset: place.offset,
      window,
    });
    kernels.cast({ x: answer.value, y: y.value });
  });
  places.moveOn(T, active);
  advance(memory.positions, T, active);
  return y;
}
