/**
 * Softmax attention behind the same interface: plain, with gates (the forgetting transformer, arXiv 2503.02130) or with gates by
 * channel, over all tokens or the last ones.
 */

import { call, constant, type Tape, type Variable } from '@sympow/autograd';
import { ConfigError, type Tensor } from '@sympow/kernels';
import type { AttentionInputs, Recurrence, SequenceOptions, SequenceResult } from './api';
import {
  cacheBytes,
  copyLast,
  memoryLike,
  prepareCache,
  softmaxMemory,
  spare,
  type Keeping,
  type SoftmaxMemory,
} from './cache';
import { checkInputs } from './inputs';
import { advance, streamRows } from './rows';
import { gateSum, resetGates, type GateVariables } from './sums';
import { appendTurned, turn } from './turning';

/** What makes attention by softmax. */
export interface SoftmaxOptions {
  /** W ≥ 1: a token sees the last W, its own included, and the memory holds no more than it needs for that. Absent: all. */
  readonly window?: number | undefined;
  /**
   * Whether the gates are those of key channels, [B, T, G, d], each of which forgets at a rate of its own: scores
   * Σ_c q_ic k_jc e^{A_ic − A_jc} / √d. `own.logGate` [B, T, G] in the inputs, if it is there, is a log gate beside them that is added
   * to scores. Default `false`: one gate, [B, T, G], which is added to scores.
   */
  readonly channels?: boolean | undefined;
}

/**
 * Makes softmax attention, exp(q·k/√d + A_i − A_j) normalised over j ≤ i, or over the last `window` of those.
 *
 * Without a window its memory grows with the stream. An initial state, and gates of another width, are refused with ConfigError.
 *
 * @throws ConfigError for a window that is not a whole number of at least 1
 */
export function softmaxRecurrence(options: SoftmaxOptions = {}): Recurrence<SoftmaxMemory> {
  const { window, channels = false } = options;
  const keeping = { window, channels };
  if (window !== undefined && (!Number.isSafeInteger(window) || window < 1)) {
    throw new ConfigError({ what: 'window', value: window, expected: 'a whole number of at least 1' });
  }
  const kind = channels ? 'wall' : window === undefined ? 'softmax' : 'window';
  return {
    kind,
    sequence: (tape, inputs, asked) => tape.attempt(() => softmaxSequence(tape, inputs, keeping, asked)),
    memory(backend, shape, saved) {
      checkGateWidth(shape.gateWidth, channels ? shape.d : undefined);
      return softmaxMemory(kind, backend, shape, keeping, saved);
    },
    memoryBytes: (shape, length) => cacheBytes(shape, length, keeping),
    stream: (tape, inputs, memory, lengths) =>
      tape.attempt(() => streamRows(tape, inputs, memory, lengths, { lane: memoryLike, read: streamSoftmax })),
  };
}

function softmaxSequence(
  tape: Tape,
  inputs: AttentionInputs,
  { window, channels = false }: Keeping,
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
  const [, T, , d] = inputs.k.value.shape as [number, number, number, number];
  checkGateWidth(widthOf(inputs), channels ? d : undefined);
  const { q, k } = turn(tape, inputs.q, inputs.k, inputs.phases, undefined);
  // Without anything that is added to scores, channels need no gate more.
  const alone = channels && !inputs.reset && !inputs.own?.logGate;
  const logGate = alone ? inputs.logGate : logGates(tape, inputs, channels);
  return { y: softmaxAttention(tape, q, k, inputs.v, gateSum(tape, logGate, T), { window }) };
}

/** Gates with resets in them: one a token, or those of its channels and one that is added to scores behind them. */
function logGates(tape: Tape, { k, logGate, reset, own }: AttentionInputs, channels: boolean): Variable | undefined {
  const G = k.value.shape[2]!;
  if (!channels) return resetGates(tape, logGate, reset, G);
  return behindChannels(tape, logGate!, resetGates(tape, own?.logGate, reset, G));
}

/** [B, T, G, d + 1] from gates [B, T, G, d] and one more [B, T, G], which is 1 where it is absent. */
function behindChannels(tape: Tape, channels: Variable, one: Variable | undefined): Variable {
  const [B, T, G, d] = channels.value.shape as [number, number, number, number];
  const rows = B * T * G;
  const all = tape.result([B, T, G, d + 1], [channels, one]);
  const flat = (x: Tensor) => tape.backend.view(x, [rows, x.size / rows]);
  tape.backend.scope(() => {
    if (!one) tape.kernels.fill({ value: 0, y: all.value });
    tape.kernels.copyBlock({ x: flat(channels.value), count: d, y: flat(all.value) });
    if (one) tape.kernels.copyBlock({ x: flat(one.value), to: d, count: 1, y: flat(all.value) });
  });
  tape.record([all], () => {
    const gradient = tape.gradientOrZero(all);
    for (const [x, from, count] of [
      [channels, 0, d],
      [one, d, 1],
    ] as const) {
      if (!x) continue;
      const dx = tape.empty(x.value.shape);
      tape.backend.scope(() => tape.kernels.copyBlock({ x: flat(gradient), from, count, y: flat(dx) }));
      tape.give(x, dx);
    }
  });
  return all;
}

/** Gates per token and head. */
const widthOf = ({ logGate }: AttentionInputs): number => (logGate ? (logGate.value.shape[3] ?? 1) : 0);

/** @throws ConfigError for gates of another width: at most 1, or as many as there are `channels` */
function checkGateWidth(width: number, channels: number | undefined): void {
  if (channels === undefined ? width <= 1 : width === channels) return;
  throw new ConfigError({
    what: 'gates per token and head',
    value: width,
    expected: channels === undefined ? 'at most 1 with softmax attention' : `${channels}, one per channel of the keys`,
    remedy:
      channels === undefined ? 'Attention wall has a gate per key channel.' : 'Attention softmax takes the others.',
  });
}

/** Attention of queries q [B, T, H, d] to keys k [B, S, G, d]. */
function softmaxAttention(
  tape: Tape,
  q: Variable,
  k: Variable,
  v: Variable,
  gates: GateVariables | undefined,
  { offset, window }: { readonly offset?: Tensor; readonly window: number | undefined },
): Variable {
  const [B, T, H] = q.value.shape as [number, number, number, number];
  const inputs = { q, k, v, offset, A: gates?.A };
  const outputs = { y: [B, T, H, v.value.shape[3] as number], logSum: [B, T, H] };
  return call(tape, 'softmaxAttention', inputs, outputs, { window, gates: gates?.sums }).y;
}

function streamSoftmax(
  tape: Tape,
  inputs: AttentionInputs,
  memory: SoftmaxMemory,
  active: readonly boolean[] | undefined,
): Variable {
  const { keeping, shape, places } = memory;
  const { window } = keeping;
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
  const { places, positions, phase, shape, keeping } = memory;
  const { channels = false } = keeping;
  checkGateWidth(widthOf(inputs), channels ? shape.d : undefined);
  prepareCache(memory, T);
  const y = tape.result([B, T, H, shape.e], []);
  backend.scope(() => {
    const { cache } = memory;
    const logGate = logGates(tape, inputs, channels);
    const held = { keys: cache.k, values: cache.v, logGates: cache.logGate, phase, places, positions };
    const { q, offset } = appendTurned(tape, { ...inputs, logGate }, held, active);
    const gates = gateSum(tape, cache.logGate && constant(cache.logGate), cache.k.shape[1] as number);
    const answer = softmaxAttention(tape, q, constant(cache.k), constant(cache.v), gates, {
      offset,
      window: keeping.window,
    });
    kernels.cast({ x: answer.value, y: y.value });
  });
  places.moveOn(T, active);
  advance(positions, T, active);
  return y;
}
