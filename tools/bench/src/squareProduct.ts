/** A matrix product of the backend under test, as a yardstick for its other kernels. */

import type { Backend } from '@sympow/kernels';
import type { Side } from './measure';
import { normals } from './numbers';

export interface SquareProduct {
  readonly name: string;
  readonly flops: number;
  readonly side: Side;
  dispose(): void;
}

export function squareProduct(backend: Backend, size: number): SquareProduct {
  const matrix = (name: string) => backend.upload(normals(name, size * size), [size, size]);
  const tensors = { a: matrix('a'), b: matrix('b'), y: backend.empty([size, size]) };
  return {
    name: `matmul ${size}³`,
    flops: 2 * size ** 3,
    side: { run: () => backend.kernels.matmul(tensors), settle: () => backend.finish() },
    dispose: () => {
      for (const tensor of Object.values(tensors)) tensor.dispose();
    },
  };
}
