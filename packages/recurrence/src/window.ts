/**
 * Memory of a power layer that reads a stream: the state S, Z and phases, and beside them the last W tokens as keys, values
 * and gates; specification §6.
 *
 * The newest token is answered from both, and the window is folded into the state W tokens at a time: exact from the first
 * token on, and the state is written once per W tokens. Rows of the window that hold no token are zero, so that folding
 * them adds nothing.
 */

import type { Tape } from '@sympow/autograd';
import { constant, sliceRows, type Variable } from '@sympow/autograd';
import { embeddedSize } from '@sympow/embedding';
import { ConfigError, ShapeError, type Backend, type Normalizer, type Tensor } from '@sympow/kernels';
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
import { checkStream, savedTensor } from './inputs';
import { savedPhase, streamPhase, turnStream } from './turning';
import { atRest, beginningWith, firstRows } from './savedTensors';
import { resetGates } from './sums';

/** W: tokens in the window. */
export const windowLength = 64;

/** Memory of a power layer. Made by `powerRecurrence(…).memory`. */
export interface PowerMemory extends Memory {
  readonly shape: MemoryShape;
  readonly power: number;
  readonly S: Tensor;
  readonly Z: Tensor;
  /** [2, B, G, d/2]; see `streamPhase`. */
  readonly phase: Tensor | undefined;
  readonly window: { readonly k: Tensor; readonly v: Tensor; readonly logGate: Tensor | undefined; count: number };
  position: number;
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
  const tensors: Record<string, Tensor> = backend.scope((keep) => {
    const made = Object.entries(shapes).map(
      ([name, axes]) => [name, beginningWith(restored?.[name], backend, axes)] as const,
    );
    const phase = phaseAxes && streamPhase(backend, shape, saved);
    for (const [, tensor] of made) keep(tensor);
    return { ...Object.fromEntries(made), ...(phase && { phase: keep(phase) }) };
  });
  const memory: PowerMemory = {
    shape,
    power,
    S: tensors.S!,
    Z: tensors.Z!,
    phase: tensors.phase,
    window: {
      k: tensors.windowK!,
      v: tensors.windowV!,
      logGate: tensors.windowLogGate,
      count: window?.windowK?.shape[1] ?? 0,
    },
    position: saved?.position ?? 0,
    bytes: powerMemoryBytes(shape, power),
    save: (options) => save(memory, options),
    dispose: () => Object.values(tensors).forEach((tensor) => tensor.dispose()),
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
async function save(memory: PowerMemory, { exact = false }: SaveOptions = {}): Promise<SavedMemory> {
  const { position, phase, window } = memory;
  const { backend } = memory.S;
  const copies: Record<string, Tensor> = backend.scope((keep) => {
    const copy = (tensor: Tensor) => {
      const made = backend.empty(tensor.shape);
      backend.kernels.cast({ x: tensor, y: made });
      return keep(made);
    };
    const [S, Z] = [copy(memory.S), copy(memory.Z)];
    const state = { S, Z, ...(phase && { phase: copy(phase) }) };
    if (!exact || window.count === 0) {
      foldInto(memory, S, Z);
      return state;
    }
    const rows = (tensor: Tensor) => keep(firstRows(tensor, window.count));
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

/** Adds the window's tokens to S and Z, which are decayed over the window in place. */
function foldInto({ window, power }: PowerMemory, S: Tensor, Z: Tensor): void {
  if (window.count === 0) return;
  const { backend } = S;
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

function fold(memory: PowerMemory): void {
  foldInto(memory, memory.S, memory.Z);
  const { window, S } = memory;
  for (const tensor of [window.k, window.v, window.logGate]) {
    if (tensor) S.backend.kernels.fill({ value: 0, y: tensor });
  }
  window.count = 0;
}

interface StreamOptions {
  readonly power: number;
  readonly normalizer: Normalizer;
  readonly sequence: Recurrence['sequence'];
}

/** The next tokens of a stream; see `Recurrence.stream`. */
export function streamPower(
  tape: Tape,
  inputs: AttentionInputs,
  memory: PowerMemory,
  options: StreamOptions,
): Variable {
  if (tape.recording)
    throw new ConfigError({
      what: 'record of the tape',
      value: true,
      expected: 'false for a stream',
      remedy: 'Use sequence() to train.',
    });
  checkStream(inputs, memory.shape);
  const [B, T, H] = inputs.q.value.shape as [number, number, number, number];
  memory.position += T;
  const y = tape.result([B, T, H, memory.shape.e], []);
  tape.backend.scope(() => {
    const turned = turnStream(tape, inputs, memory.phase);
    if (T === 1) nextToken(tape, turned, memory, options, y);
    else nextTokens(tape, turned, memory, options, y);
  });
  return y;
}

function nextTokens(
  tape: Tape,
  inputs: AttentionInputs,
  memory: PowerMemory,
  options: StreamOptions,
  y: Variable,
): void {
  const T = inputs.q.value.shape[1] as number;
  if (memory.window.count > 0) fold(memory);
  // Whole windows go through the state; what is left stays in the window, where it keeps its precision.
  const rest = T % windowLength;
  for (const [from, count] of [
    [0, T - rest],
    [T - rest, rest],
  ] as const) {
    if (count === 0) continue;
    tape.backend.scope(() => {
      const piece = slice(tape, inputs, from, count);
      const part =
        from === 0 && rest !== T
          ? throughState(tape, piece, memory, options)
          : intoWindow(tape, piece, memory, options);
      tape.kernels.copyBlock({ x: part.value, to: from, count, y: y.value });
    });
  }
}

/** Rows [from, from + count) of everything that has a row per token. */
function slice(tape: Tape, { q, k, v, logGate, reset }: AttentionInputs, from: number, count: number): AttentionInputs {
  const rows = (x: Variable) => sliceRows(tape, x, from, count);
  let part = reset;
  if (reset) {
    part = tape.empty([reset.shape[0] as number, count], 'int32');
    tape.kernels.copyBlock({ x: reset, from, count, y: part });
  }
  return {
    q: rows(q),
    k: rows(k),
    v: rows(v),
    logGate: logGate && rows(logGate),
    reset: part,
  };
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
  append(tape, piece, memory);
  return y;
}

function stateOf({ S, Z }: PowerMemory): PowerState {
  return { S: constant(S), Z: constant(Z) };
}

/** Writes keys, values and gates behind those in the window. */
function append(tape: Tape, { k, v, logGate, reset }: AttentionInputs, memory: PowerMemory): void {
  const { window } = memory;
  const { kernels } = tape;
  const count = k.value.shape[1] as number;
  const gates = resetGates(tape, logGate, reset, memory.shape.G);
  const place = { to: window.count, count };
  kernels.copyBlock({ x: k.value, ...place, y: window.k });
  kernels.copyBlock({ x: v.value, ...place, y: window.v });
  if (gates) kernels.copyBlock({ x: gates.value, ...place, y: window.logGate! });
  window.count += count;
}

function nextToken(
  tape: Tape,
  inputs: AttentionInputs,
  memory: PowerMemory,
  { power, normalizer }: StreamOptions,
  y: Variable,
): void {
  const [B, , H, d] = inputs.q.value.shape as [number, number, number, number];
  const { window, S, Z, shape } = memory;
  const { backend } = tape;
  append(tape, inputs, memory);
  backend.kernels.queryWindow({
    power,
    normalizer,
    q: backend.view(inputs.q.value, [B, H, d]),
    k: window.k,
    v: window.v,
    logGate: window.logGate,
    count: window.count,
    S,
    Z,
    y: backend.view(y.value, [B, H, shape.e]),
  });
  if (window.count === windowLength) fold(memory);
}
