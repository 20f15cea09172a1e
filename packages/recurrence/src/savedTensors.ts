/** Tensors of a memory on their way to rest and back, whatever kind of attention they belong to. */

import { backendOf, bytesPerElement, isHalf, type Backend, type DType, type Tensor } from '@sympow/kernels';
import type { MemoryShape, SavedTensor } from './api';

/** A tensor that begins with some rows of axis 1 and is zero behind them. */
export function beginningWith(
  rows: SavedTensor | undefined,
  backend: Backend,
  axes: readonly number[],
  dtype?: DType,
): Tensor {
  const tensor = backend.empty(axes, dtype);
  if (rows?.data.length === tensor.size) {
    backend.write(tensor, rows.data);
    return tensor;
  }
  backend.kernels.fill({ value: 0, y: tensor });
  if (!rows?.data.length) return tensor;
  backend.scope(() => {
    backend.kernels.copyBlock({
      x: backend.upload(rows.data, rows.shape, tensor.dtype),
      count: rows.shape[1]!,
      y: tensor,
    });
  });
  return tensor;
}

/** Bytes of a number of a state. */
export function stateBytes({ states }: MemoryShape): number {
  return states ? bytesPerElement[states] : 4;
}

/** A copy of rows [0, count) of axis 1. */
export function firstRows(tensor: Tensor, count: number): Tensor {
  const [B, , ...rest] = tensor.shape as [number, number, ...number[]];
  const backend = backendOf(tensor);
  const rows = backend.empty([B, count, ...rest], tensor.dtype);
  backend.kernels.copyBlock({ x: tensor, count, y: rows });
  return rows;
}

/** Shapes and numbers of tensors, which are given back. */
export async function atRest(tensors: Readonly<Record<string, Tensor>>): Promise<Record<string, SavedTensor>> {
  try {
    const read = Object.entries(tensors).map(async ([name, tensor]) => {
      const data = (await tensor.read()) as Float32Array | Float64Array;
      const { dtype } = tensor;
      return [name, { shape: [...tensor.shape], data, ...(isHalf(dtype) && { half: dtype }) }] as const;
    });
    return Object.fromEntries(await Promise.all(read));
  } finally {
    for (const tensor of Object.values(tensors)) tensor.dispose();
  }
}
