/** The powers of two that keep φ of keys within the range of a float. */

import type { Shape } from '@sympow/kernels';
import type { Numbers } from '../api';
import type { Inputs } from '../inputs';
import type { KernelCase } from '../kernelCase';

/** Normal numbers [B, rows, heads, …] whose heads are of these sizes, in turn. */
function ofSizes(inputs: Inputs, shape: Shape, sizes: readonly number[]): Numbers {
  const heads = shape[2]!;
  const perHead = shape.slice(3).reduce((product, axis) => product * axis, 1);
  return inputs.replace(inputs.normal(shape), (i, x) => {
    const head = Math.floor(i / perHead) % heads;
    const b = Math.floor(i / (perHead * heads * shape[1]!));
    return x * sizes[(b * heads + head) % sizes.length]!;
  });
}

const sizes = [1e-12, 1, 1e6, 1e-30, 0, 3e-4, 1e30];

const scales: readonly KernelCase[] = [1, 2, 4, 6].flatMap((power): KernelCase[] => [
  {
    kernel: 'keyScale',
    name: `p = ${power}, heads from 1e-30 to 1e30`,
    make: (inputs) => ({ k: ofSizes(inputs, [2, 65, 4, 5], sizes), power }),
  },
  {
    kernel: 'keyScale',
    name: `p = ${power}, with a state`,
    make: (inputs) => {
      const Z = ofSizes(inputs, [2, 1, 4, D(3, power)], [1e-36, 1e-20, 0, 1e36, 1]);
      return { k: ofSizes(inputs, [2, 17, 4, 3], sizes), Z: { ...Z, shape: [2, 4, Z.shape[3]!] }, power };
    },
  },
]);

/** C(d+p−1, p). */
function D(d: number, power: number): number {
  let size = 1;
  for (let r = 1; r <= power; r++) size = (size * (d + r - 1)) / r;
  return Math.round(size);
}

const applied: readonly KernelCase[] = [1, 4, 6, -4, 0].map((times) => ({
  kernel: 'scaleHeads',
  name: `to the power ${times}`,
  make: (inputs) => {
    const own = [2 ** 6, 1, 2 ** -10, 2 ** 9, 1, 2 ** -3];
    return {
      x: inputs.normal([2, 17, 3, 5]),
      scale: inputs.of([2, 3], (i) => own[i]!),
      times,
    };
  },
}));

export const scale: readonly KernelCase[] = [
  ...scales,
  {
    kernel: 'keyScale',
    name: 'NaN and infinities have no say',
    make: (inputs) => {
      const k = inputs.replace(
        ofSizes(inputs, [1, 300, 2, 7], [1e-12, 1e6]),
        (i, x) => [x, NaN, x, -Infinity, x][i % 5]!,
      );
      return { k, power: 6 };
    },
  },
  { kernel: 'keyScale', name: 'no tokens', make: (inputs) => ({ k: inputs.normal([2, 0, 3, 4]), power: 2 }) },
  ...applied,
  {
    kernel: 'scaleHeads',
    name: 'far beyond both ends',
    make: (inputs) => ({
      x: inputs.normal([1, 4, 2, 33], 1e-12),
      scale: inputs.of([1, 2], (i) => [2 ** 20, 2 ** -120][i]!),
      times: 6,
    }),
  },
];
