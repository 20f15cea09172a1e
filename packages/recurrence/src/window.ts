/**
 * Memory of a power layer that reads a stream: the state S, Z and phases, and beside them the last W tokens as keys, values
 * and gates; specification §6.
 *
 * The newest token is answered from both, and the window is folded into the state W tokens at a time: exact from the first
 * token on, and the state is written once per W tokens. Rows of the window that hold no token are zero, so that folding
 * them adds nothing.
 */

import type { Tape } from '@sympow/autograd';
import { constant, type Variable } from '@sympow/autograd';
import { embeddedSize } from '@sympow/embedding';
import { backendOf, ConfigError, ShapeError, type Backend, type Normalizer, type Tensor } from '@sympow/kernels';
import type {
  AttentionInputs,
  Memory,
  MemoryShape,
  PowerState,
  Recurrence,
  SavedMemory,
  SavedTensor,
  SaveOptions,
} from './api';
import { savedTensor } from './inputs';
import { advance, checkEven, checkRows, copyRow, Places, saveRow, streamRows, tokensOf } from './rows';
import { savedPhase, streamPhase, turnStream } from './turning';
import { atRest, beginningWith, firstRows } from './savedTensors';
import { resetGates } from './sums';

/** W: tokens in the window. */
export const windowLength = 64;

/** Memory of a power layer. Made by `powerRecurrence(…).memory`. */
export interface PowerMemory extends Memory {
  readonly power: number;
  readonly S: Tensor;
  readonly Z: Tensor;
  /** [2, B, G, d/2]; see `streamPhase`. */
  readonly phase: Tensor | undefined;
  readonly window: Window;
  /** How many tokens the window of each row holds. */
  readonly places: Places;
  readonly positions: number[];
}

/** [B, W, …] each; rows behind those that hold tokens are zero. */
interface Window {
  readonly k: Tensor;
  readonly v: Tensor;
  readonly logGate: Tensor | undefined;
}

/** Shapes of everything that a memory holds, by name. */
function memoryShapes({ B, G, d, e, phases, gateWidth }: MemoryShape, power: number): Record<string, number[]> {
  const D = embeddedSize(d, power);
  return {
    S: [B, G, D, e],
    Z: [B, G, D],
    ...(phases && { phase: [2, B, G, d / 2] }),
    windowK: [B, windowLength, G, d],
    windowV: [B, windowLength, G, e],
    ...(gateWidth === 1 && { windowLogGate: [B, windowLength, G] }),
    ...(gateWidth > 1 && { windowLogGate: [B, windowLength, G, gateWidth] }),
  };
}

/** Bytes of a memory: the same after any number of tokens. */
export function powerMemoryBytes(shape: MemoryShape, power: number): number {
  return 4 * Object.values(memoryShapes(shape, power)).reduce((sum, axes) => sum + axes.reduce((a, b) => a * b, 1), 0);
}

/**
 * An empty memory, or one that goes on from a saved one. Nothing is allocated for one that does not fit.
 *
 * @throws ConfigError or ShapeError if it does not
 */
export function powerMemory(backend: Backend, shape: MemoryShape, power: number, saved?: SavedMemory): PowerMemory {
  const { phase: phaseAxes, ...shapes } = memoryShapes(shape, power);
  const window = saved && savedWindow(saved, shapes);
  const restored: Record<string, SavedTensor> | undefined = saved && {
    ...{ S: savedTensor(saved, 'S', shapes.S!), Z: savedTensor(saved, 'Z', shapes.Z!) },
    ...window,
  };
  const { made: tensors, places } = backend.scope((keep) => {
    const made: Record<string, Tensor> = {};
    for (const [name, axes] of Object.entries(shapes)) made[name] = beginningWith(restored?.[name], backend, axes);
    if (phaseAxes) made.phase = streamPhase(backend, shape, saved);
    const places = new Places(backend, shape.B, window?.windowK?.shape[1] ?? 0);
    for (const tensor of [...Object.values(made), ...places.tensors]) keep(tensor);
    return { made, places };
  });
  const memory: PowerMemory = {
    kind: 'power',
    shape,
    power,
    S: tensors.S!,
    Z: tensors.Z!,
    phase: tensors.phase,
    window: { k: tensors.windowK!, v: tensors.windowV!, logGate: tensors.windowLogGate },
    places,
    positions: new Array<number>(shape.B).fill(saved?.position ?? 0),
    get position() {
      return Math.max(0, ...this.positions);
    },
    bytes: powerMemoryBytes(shape, power),
    // The token that fills a window has it folded.
    get way() {
      return places.counts.some((count) => count >= windowLength - 1) ? undefined : places.way;
    },
    follow() {
      places.moveOn(1, undefined);
      advance(memory.positions, 1, undefined);
    },
    copyRow: (row, from, fromRow) => copyMemoryRow(memory, row, from as PowerMemory, fromRow),
    save: (options) => save(memory, options),
    dispose: () => [...Object.values(tensors), ...places.tensors].forEach((tensor) => tensor.dispose()),
  };
  return memory;
}

/** The tokens in the window of a memory that was saved as it stood, [B, count, G, …] each. */
function savedWindow(saved: SavedMemory, shapes: Record<string, number[]>): Record<string, SavedTensor> {
  const count = saved.tensors.windowK?.shape[1];
  if (count === undefined) return {};
  if (!(count < windowLength)) {
    throw new ShapeError({
      what: 'tokens in the saved window',
      value: count,
      expected: `fewer than ${windowLength}`,
    });
  }
  const names = Object.keys(shapes).filter((name) => name.startsWith('window'));
  return Object.fromEntries(
    names.map((name) => {
      const [B, , ...rest] = shapes[name] as [number, number, ...number[]];
      return [name, savedTensor(saved, name, [B, count, ...rest])] as const;
    }),
  );
}

/** What a memory is made of, on copies: the memory itself keeps its window and its precision. */
async function save(memory: PowerMemory, { exact = false, row }: SaveOptions = {}): Promise<SavedMemory> {
  if (row !== undefined) return saveRow(memory, row, () => laneOf(memory), exact);
  const { positions, position, phase, window, places } = memory;
  checkEven('positions', positions);
  if (exact) checkEven('tokens in the windows', places.counts);
  const backend = backendOf(memory.S);
  const count = places.counts[0] ?? 0;
  const copies: Record<string, Tensor> = backend.scope((keep) => {
    const copy = (tensor: Tensor) => {
      const made = backend.empty(tensor.shape);
      backend.kernels.cast({ x: tensor, y: made });
      return keep(made);
    };
    const [S, Z] = [copy(memory.S), copy(memory.Z)];
    const state = { S, Z, ...(phase && { phase: copy(phase) }) };
    if (!exact || count === 0) {
      if (places.counts.some((tokens) => tokens > 0)) foldInto(memory.power, window, S, Z);
      return state;
    }
    const rows = (tensor: Tensor) => keep(firstRows(tensor, count));
    return {
      ...state,
      windowK: rows(window.k),
      windowV: rows(window.v),
      ...(window.logGate && { windowLogGate: rows(window.logGate) }),
    };
  });
  const { phase: planes, ...tensors } = await atRest(copies);
  return { position, tensors: { ...tensors, ...(planes && savedPhase(planes, exact)) } };
}

/** A memory of one row like this one. */
function laneOf({ S, shape, power }: PowerMemory): PowerMemory {
  return powerMemory(backendOf(S), { ...shape, B: 1 }, power);
}

function copyMemoryRow(memory: PowerMemory, row: number, from: PowerMemory, fromRow: number): void {
  checkRows(memory, row, from, fromRow);
  if (memory.power !== from.power) {
    throw new ConfigError({ what: 'power of the memory to copy from', value: from.power, expected: `${memory.power}` });
  }
  copyRow(from.S, fromRow, memory.S, row);
  copyRow(from.Z, fromRow, memory.Z, row);
  if (from.phase && memory.phase) copyRow(from.phase, fromRow, memory.phase, row, 2);
  copyWindow(from.window, fromRow, memory.window, row);
  memory.places.set(row, from.places.counts[fromRow]!);
  memory.positions[row] = from.positions[fromRow]!;
}

function copyWindow(x: Window, from: number, y: Window, to: number): void {
  copyRow(x.k, from, y.k, to);
  copyRow(x.v, from, y.v, to);
  if (x.logGate && y.logGate) copyRow(x.logGate, from, y.logGate, to);
}

/** Adds a window's tokens to S and Z, which are decayed over the window in place. */
function foldInto(power: number, window: Window, S: Tensor, Z: Tensor): void {
  const backend = backendOf(S);
  const [B, G, D, e] = S.shape as [number, number, number, number];
  backend.scope(() => {
    const options = { power, chunk: windowLength };
    const gates = window.logGate && {
      A: backend.empty([2, ...window.logGate.shape]),
      start: backend.empty(window.logGate.shape, 'int32'),
    };
    if (gates) backend.kernels.gateSum({ logGate: window.logGate, chunk: windowLength, ...gates });
    const [deltaS, beforeS] = [backend.empty([B, 1, G, D, e]), backend.empty([B, 1, G, D, e])];
    const [deltaZ, beforeZ] = [backend.empty([B, 1, G, D]), backend.empty([B, 1, G, D])];
    backend.kernels.updateState({ ...options, k: window.k, v: window.v, gates, deltaS, deltaZ });
    const sums = { S: beforeS, Z: beforeZ, S0: S, Z0: Z, SLast: S, ZLast: Z };
    backend.kernels.discountedSum({ ...options, deltaS, deltaZ, gates, length: windowLength, ...sums });
  });
}

/** Folds the windows of all rows. */
function fold({ power, window, places, S, Z }: PowerMemory): void {
  foldInto(power, window, S, Z);
  empty(window);
  for (const row of places.counts.keys()) places.set(row, 0);
}

/** Folds the window of one row; the others keep theirs. */
function foldRow({ power, window, places, S, Z }: PowerMemory, row: number): void {
  const { backend } = S;
  const one = (tensor: Tensor) => backend.empty([1, ...tensor.shape.slice(1)]);
  backend.scope(() => {
    const own = { k: one(window.k), v: one(window.v), logGate: window.logGate && one(window.logGate) };
    const [ownS, ownZ] = [one(S), one(Z)];
    copyWindow(window, row, own, 0);
    copyRow(S, row, ownS, 0);
    copyRow(Z, row, ownZ, 0);
    foldInto(power, own, ownS, ownZ);
    copyRow(ownS, 0, S, row);
    copyRow(ownZ, 0, Z, row);
    empty(own);
    copyWindow(own, 0, window, row);
  });
  places.set(row, 0);
}

function empty({ k, v, logGate }: Window): void {
  for (const y of [k, v, logGate]) if (y) backendOf(y).kernels.fill({ value: 0, y });
}

interface StreamOptions {
  readonly power: number;
  readonly normalizer: Normalizer;
  readonly sequence: Recurrence<PowerMemory, PowerState>['sequence'];
}

/** The next tokens of a stream; see `Recurrence.stream`. */
export function streamPower(
  tape: Tape,
  inputs: AttentionInputs,
  memory: PowerMemory,
  lengths: readonly number[] | undefined,
  options: StreamOptions,
): Variable {
  return streamRows(tape, inputs, memory, lengths, {
    lane: laneOf,
    read(own, piece, rows, active) {
      const [B, T, H] = piece.q.value.shape as [number, number, number, number];
      const y = own.result([B, T, H, rows.shape.e], []);
      own.backend.scope(() => {
        const turned = turnStream(own, piece, rows.phase, active);
        if (T === 1) nextToken(own, turned, rows, active, options, y);
        else nextTokens(own, turned, rows, options, y);
      });
      advance(rows.positions, T, active);
      return y;
    },
  });
}

function nextTokens(
  tape: Tape,
  inputs: AttentionInputs,
  memory: PowerMemory,
  options: StreamOptions,
  y: Variable,
): void {
  const T = inputs.q.value.shape[1] as number;
  if (memory.places.counts.some((count) => count > 0)) fold(memory);
  // Whole windows go through the state; what is left stays in the window, where it keeps its precision.
  const rest = T % windowLength;
  for (const [from, count] of [
    [0, T - rest],
    [T - rest, rest],
  ] as const) {
    if (count === 0) continue;
    tape.backend.scope(() => {
      const piece = tokensOf(tape, inputs, from, count);
      const part =
        from === 0 && rest !== T
          ? throughState(tape, piece, memory, options)
          : intoWindow(tape, piece, memory, options);
      tape.kernels.copyBlock({ x: part.value, to: from, count, y: y.value });
    });
  }
}

/** A piece through the recurrence; its final state becomes the memory's. */
function throughState(tape: Tape, piece: AttentionInputs, memory: PowerMemory, { sequence }: StreamOptions): Variable {
  const { y, state } = sequence(tape, piece, { state: stateOf(memory) });
  const { kernels } = tape;
  kernels.cast({ x: state!.S.value, y: memory.S });
  kernels.cast({ x: state!.Z.value, y: memory.Z });
  return y;
}

/** A piece shorter than the window, which is empty: answered by the recurrence and kept as it is. */
function intoWindow(tape: Tape, piece: AttentionInputs, memory: PowerMemory, { sequence }: StreamOptions): Variable {
  const { y } = sequence(tape, piece, { state: stateOf(memory), finalState: false });
  append(tape, piece, memory, undefined);
  return y;
}

function stateOf({ S, Z }: PowerMemory): PowerState {
  return { S: constant(S), Z: constant(Z) };
}

/** Writes keys, values and gates behind those in the windows; hands back how many there are then, [B] int32. */
function append(
  tape: Tape,
  { k, v, logGate, reset }: AttentionInputs,
  { window, places, shape }: PowerMemory,
  active: readonly boolean[] | undefined,
): Tensor {
  const gates = resetGates(tape, logGate, reset, shape.G);
  const { offset, next } = places.toAppend(active);
  tape.kernels.append({
    k: k.value,
    v: v.value,
    logGate: gates?.value,
    offset,
    keys: window.k,
    values: window.v,
    logGates: gates && window.logGate,
    next,
  });
  places.moveOn(k.value.shape[1] as number, active);
  return next;
}

function nextToken(
  tape: Tape,
  inputs: AttentionInputs,
  memory: PowerMemory,
  active: readonly boolean[] | undefined,
  { power, normalizer }: StreamOptions,
  y: Variable,
): void {
  const [B, , H, d] = inputs.q.value.shape as [number, number, number, number];
  const { window, S, Z, shape, places } = memory;
  const { backend } = tape;
  const count = append(tape, inputs, memory, active);
  backend.kernels.queryWindow({
    power,
    normalizer,
    q: backend.view(inputs.q.value, [B, H, d]),
    k: window.k,
    v: window.v,
    logGate: window.logGate,
    count,
    S,
    Z,
    y: backend.view(y.value, [B, H, shape.e]),
  });
  if (places.counts.every((tokens) => tokens === windowLength)) fold(memory);
  else for (const [row, tokens] of places.counts.entries()) if (tokens === windowLength) foldRow(memory, row);
}
