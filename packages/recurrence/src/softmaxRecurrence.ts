/** Softmax attention behind the same interface: plain, or with gates (the forgetting transformer, arXiv 2503.02130). */

import { constant, type Tape, type Variable } from '@sympow/autograd';
import { ConfigError, type Backend, type Tensor } from '@sympow/kernels';
import type {
  AttentionInputs,
  Memory,
  MemoryShape,
  Recurrence,
  SavedMemory,
  SavedTensor,
  SaveOptions,
  SequenceOptions,
  SequenceResult,
} from './api';
import { checkInputs, savedTensor } from './inputs';
import { advance, checkEven, checkRows, copyRow, Places, saveRow, streamRows } from './rows';
import { savedPhase, streamPhase, turn, turnStream } from './turning';
import { atRest, beginningWith, firstRows } from './savedTensors';
import { gateSum, resetGates, type GateVariables } from './sums';

/** Keys, values and gates of everything read: grows with the stream. Made by `softmaxRecurrence().memory`. */
export interface SoftmaxMemory extends Memory {
  /** [B, capacity, G, d], [B, capacity, G, e] and [B, capacity, G]; rows behind those that hold tokens hold anything. */
  cache: { k: Tensor; v: Tensor; logGate: Tensor | undefined };
  readonly places: Places;
  readonly positions: number[];
  /** [2, B, G, d/2]; see `streamPhase`. */
  readonly phase: Tensor | undefined;
  bytes: number;
}

/**
 * Makes softmax attention, exp(q·k/√d + A_i − A_j) normalised over j ≤ i.
 *
 * Its memory grows with the stream; an initial state and vector gates are refused with ConfigError.
 */
export function softmaxRecurrence(): Recurrence<SoftmaxMemory> {
  return {
    kind: 'softmax',
    sequence: (tape, inputs, options) => tape.attempt(() => softmaxSequence(tape, inputs, options)),
    memory: softmaxMemory,
    memoryBytes: ({ B, G, d, e, gateWidth, phases }, length) =>
      4 * B * G * (length * (d + e + Math.min(1, gateWidth)) + (phases ? d : 0)),
    stream: (tape, inputs, memory, lengths) =>
      tape.attempt(() => streamRows(tape, inputs, memory, lengths, { lane: laneOf, read: streamSoftmax })),
  };
}

function softmaxSequence(
  tape: Tape,
  inputs: AttentionInputs,
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
  return { y: softmaxAttention(tape, q, k, inputs.v, gates) };
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

/** Attention of queries q [B, T, H, d], which stand `offset` [B] rows after the first key; at the end where it is absent. */
function softmaxAttention(
  tape: Tape,
  q: Variable,
  k: Variable,
  v: Variable,
  gates: GateVariables | undefined,
  offset?: Tensor,
): Variable {
  const [B, T, H] = q.value.shape as [number, number, number, number];
  const y = tape.result([B, T, H, v.value.shape[3] as number], [q, k, v, gates?.A]);
  const logSum: Variable = { value: tape.empty([B, T, H]), requiresGradient: false };
  const operands = { q: q.value, k: k.value, v: v.value, gates: gates?.sums, offset, y: y.value, logSum: logSum.value };
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

const firstCapacity = 256;

function softmaxMemory(backend: Backend, shape: MemoryShape, saved?: SavedMemory): SoftmaxMemory {
  const { B, G, d, e, phases, gateWidth } = shape;
  checkGateWidth(gateWidth);
  const position = saved?.position ?? 0;
  const rows: Rows | undefined = saved && {
    k: savedTensor(saved, 'k', [B, position, G, d]),
    v: savedTensor(saved, 'v', [B, position, G, e]),
    logGate: gateWidth > 0 ? savedTensor(saved, 'logGate', [B, position, G]) : undefined,
  };
  let capacity = firstCapacity;
  // As it grows when token follows token, so that sums over it come out the same.
  while (capacity < position) capacity *= 2;
  const memory: SoftmaxMemory = backend.scope((keep) => {
    const cache = cacheOf(backend, shape, capacity, rows);
    const phase = phases ? keep(streamPhase(backend, shape, saved)) : undefined;
    const places = new Places(backend, B, position);
    places.tensors.forEach(keep);
    return {
      ...{ kind: 'softmax', shape, cache: outliving(cache), phase, places, bytes: 0 },
      positions: new Array<number>(B).fill(position),
      get position() {
        return Math.max(0, ...this.positions);
      },
      copyRow: (row, from, fromRow) => copyMemoryRow(memory, row, from as SoftmaxMemory, fromRow),
      save: (options) => save(memory, options),
      dispose: () => {
        for (const tensor of [...Object.values(memory.cache), phase, ...places.tensors]) tensor?.dispose();
      },
    };
  });
  memory.bytes = bytesOf(memory);
  return memory;
}

type Rows = { readonly [name in keyof SoftmaxMemory['cache']]: SavedTensor | undefined };

function cacheOf(
  backend: Backend,
  { B, G, d, e, gateWidth }: MemoryShape,
  capacity: number,
  rows?: Rows,
): SoftmaxMemory['cache'] {
  return {
    k: beginningWith(rows?.k, backend, [B, capacity, G, d]),
    v: beginningWith(rows?.v, backend, [B, capacity, G, e]),
    logGate: gateWidth > 0 ? beginningWith(rows?.logGate, backend, [B, capacity, G]) : undefined,
  };
}

/** A cache that grows in the middle of a step outlives the step. */
function outliving(cache: SoftmaxMemory['cache']): SoftmaxMemory['cache'] {
  for (const tensor of Object.values(cache)) tensor?.backend.detach(tensor);
  return cache;
}

function bytesOf({ cache, phase }: SoftmaxMemory): number {
  return 4 * [cache.k, cache.v, cache.logGate, phase].reduce((sum, tensor) => sum + (tensor?.size ?? 0), 0);
}

/** A memory of one row like this one. */
function laneOf({ cache, shape }: SoftmaxMemory): SoftmaxMemory {
  return softmaxMemory(cache.k.backend, { ...shape, B: 1 });
}

function copyMemoryRow(memory: SoftmaxMemory, row: number, from: SoftmaxMemory, fromRow: number): void {
  checkRows(memory, row, from, fromRow);
  const count = from.places.counts[fromRow]!;
  grow(memory, count);
  for (const name of ['k', 'v', 'logGate'] as const) {
    const [x, y] = [from.cache[name], memory.cache[name]];
    if (x && y) copyRow(x, fromRow, y, row, { count });
  }
  if (from.phase && memory.phase) copyRow(from.phase, fromRow, memory.phase, row, { planes: 2 });
  memory.places.set(row, count);
  memory.positions[row] = from.positions[fromRow]!;
}

/** Makes room for `count` keys a row, doubling the capacity. */
function grow(memory: SoftmaxMemory, count: number): void {
  const { backend } = memory.cache.k;
  const capacity = memory.cache.k.shape[1] as number;
  if (count <= capacity) return;
  const next = backend.scope(() => {
    const larger = cacheOf(backend, memory.shape, Math.max(2 * capacity, count));
    for (const name of ['k', 'v', 'logGate'] as const) {
      const [x, y] = [memory.cache[name], larger[name]];
      if (x && y) backend.kernels.copyBlock({ x, count: Math.max(...memory.places.counts), y });
    }
    return outliving(larger);
  });
  for (const tensor of Object.values(memory.cache)) tensor?.dispose();
  memory.cache = next;
  memory.bytes = bytesOf(memory);
}

function streamSoftmax(
  tape: Tape,
  inputs: AttentionInputs,
  memory: SoftmaxMemory,
  active: readonly boolean[] | undefined,
): Variable {
  const { backend, kernels } = tape;
  const [B, T, H] = inputs.q.value.shape as [number, number, number, number];
  const { places, phase, shape } = memory;
  grow(memory, Math.max(...places.counts) + T);
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
    const answer = softmaxAttention(tape, turned.q, constant(cache.k), constant(cache.v), gates, place.offset);
    kernels.cast({ x: answer.value, y: y.value });
  });
  places.moveOn(T, active);
  advance(memory.positions, T, active);
  return y;
}

async function save(memory: SoftmaxMemory, { exact = false, row }: SaveOptions = {}): Promise<SavedMemory> {
  if (row !== undefined) return saveRow(memory, row, () => laneOf(memory), exact);
  const { cache, phase, positions, position } = memory;
  checkEven('positions', positions);
  const { backend } = cache.k;
  const used = backend.scope((keep) => {
    const rows = Object.entries(cache).filter((entry): entry is [string, Tensor] => entry[1] !== undefined);
    const copies = rows.map(([name, tensor]) => [name, keep(firstRows(tensor, position))] as const);
    return Object.fromEntries(
      phase ? [...copies, ['phase', keep(firstRows(phase, phase.shape[1]!))] as const] : copies,
    );
  });
  const { phase: planes, ...tensors } = await atRest(used);
  return { position, tensors: { ...tensors, ...(planes && savedPhase(planes, exact)) } };
}
