/** Memory of a power layer that reads a stream: the state S, Z and phases, and beside them the window; specification §6. */

import { embeddedSize } from '@sympow/embedding';
import { backendOf, ConfigError, ShapeError, type Backend, type Tensor } from '@sympow/kernels';
import type { Memory, MemoryShape, SavedMemory, SavedTensor, SaveOptions } from './api';
import { savedTensor } from './inputs';
import { advance, checkEven, checkRows, copyRow, Places, saveRow } from './rows';
import { atRest, beginningWith, firstRows, stateBytes } from './savedTensors';
import { savedPhase, streamPhase } from './turning';
import { copyWindow, foldInto, windowLength, type Windowed } from './window';

/** Memory of a power layer. Made by `powerRecurrence(…).memory`. */
export interface PowerMemory extends Memory, Windowed {
  /** [2, B, G, d/2]; see `streamPhase`. */
  readonly phase: Tensor | undefined;
  readonly positions: number[];
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

/** What a shape's `states` is the type of. */
const isState = (name: string): boolean => name === 'S' || name === 'Z';

/** Bytes of a memory: the same after any number of tokens. */
export function powerMemoryBytes(shape: MemoryShape, power: number): number {
  let bytes = 0;
  for (const [name, axes] of Object.entries(memoryShapes(shape, power)))
    bytes += (isState(name) ? stateBytes(shape) : 4) * axes.reduce((a, b) => a * b, 1);
  return bytes;
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
    for (const [name, axes] of Object.entries(shapes))
      made[name] = beginningWith(restored?.[name], backend, axes, isState(name) ? shape.states : undefined);
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
    // The public state is one of floats, so that the window is added to it without another rounding.
    const copy = (tensor: Tensor) => {
      const made = backend.empty(tensor.shape, exact ? tensor.dtype : undefined);
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
export function laneOf({ S, shape, power }: PowerMemory): PowerMemory {
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
