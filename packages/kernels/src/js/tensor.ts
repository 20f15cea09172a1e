/** How this backend's kernels get at the numbers of a tensor: its handle is the typed array itself. */

import type { GateSums } from '../catalogue/entry';
import type { Stored } from '../dtypes';
import type { Shape, Tensor, TypedArray } from '../tensor';
import type { Floats } from './product';

export function floats(tensor: Tensor): Floats {
  return tensor.handle as Floats;
}

export function numbers(tensor: Tensor): TypedArray {
  return tensor.handle as TypedArray;
}

/** The elements as they are stored, halves as bits. */
export function stored(tensor: Tensor): Stored {
  return tensor.handle as Stored;
}

export function integers(tensor: Tensor): Int32Array {
  return tensor.handle as Int32Array;
}

/** Writes what was summed in work space, which may be larger, to a tensor that is asked for. */
export function store(sums: Float64Array, target: Tensor | undefined): void {
  if (target) floats(target).set(sums.subarray(0, target.size));
}

export function lastAxis(tensor: Tensor): number {
  return tensor.shape.at(-1) ?? 1;
}

/** Tensors of doubles that live nowhere, for what a definition needs between its parts. */
export const loose = {
  empty(this: void, shape: Shape): Tensor {
    const size = shape.reduce((product, axis) => product * axis, 1);
    return { shape, size, handle: new Float64Array(size) } as unknown as Tensor;
  },
  view: (x: Tensor, shape: Shape): Tensor => ({ shape, size: x.size, handle: x.handle }) as unknown as Tensor,
};

/** Gate sums as arrays: `width` numbers per token and key/value head, 1 for scalar gates and d for vector gates. */
export interface GateView {
  readonly head: Floats;
  readonly tail: Floats;
  readonly start: Int32Array;
  readonly width: number;
}

export function gateView(gates: GateSums): GateView {
  const both = floats(gates.A);
  const { size, shape } = gates.start;
  return {
    head: both.subarray(0, size),
    tail: both.subarray(size),
    start: integers(gates.start),
    width: shape.length === 4 ? (shape[3] as number) : 1,
  };
}
