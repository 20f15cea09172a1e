/** AdamW and the squared norm, over lists of parameters of different sizes. */

import type { Inputs } from '../inputs';
import type { KernelCase } from '../kernelCase';

const shapes = [[1], [17], [3, 21], [500]] as const;

interface Update {
  readonly name: string;
  readonly step?: number;
  readonly clip?: number;
  /** Scale of the gradients. */
  readonly scale?: number;
  readonly squaredNorm?: number;
  readonly zeroMoments?: boolean;
}

const updates: readonly Update[] = [
  { name: 'first step', zeroMoments: true },
  { name: 'step 1000', step: 1000 },
  { name: 'clipped', clip: 0.5, squaredNorm: 100 },
  { name: 'just under the clip', clip: 10.5, squaredNorm: 100 },
  { name: 'zero gradients', scale: 0, zeroMoments: true, squaredNorm: 0, clip: 1 },
  { name: 'tiny gradients', scale: 1e-6, step: 7 },
  { name: 'a norm of NaN changes nothing', squaredNorm: NaN },
  { name: 'an infinite norm changes nothing', squaredNorm: Infinity, clip: 1 },
];

const each = (make: (shape: readonly number[], i: number) => ReturnType<Inputs['normal']>) => shapes.map(make);

export const optimizer: readonly KernelCase[] = [
  ...updates.map(
    ({ name, step = 1, clip = Infinity, scale = 1, squaredNorm = 100, zeroMoments = false }): KernelCase => ({
      kernel: 'adamw',
      name,
      make: (inputs) => ({
        weights: each((shape) => inputs.normal(shape)),
        grads: each((shape) => inputs.normal(shape, scale)),
        m: each((shape) => inputs.normal(shape, zeroMoments ? 0 : 0.1 * scale)),
        v: each((shape) => inputs.uniform(shape, 0, zeroMoments ? 0 : 0.01 * scale * scale)),
        weightDecay: [0.1, 0, 0.1, 0.5],
        learningRate: 0.01,
        beta1: 0.9,
        beta2: 0.95,
        eps: 1e-8,
        step,
        clip,
        squaredNorm: inputs.constant([1], squaredNorm),
      }),
    }),
  ),
  {
    kernel: 'adamw',
    name: 'one parameter',
    make: (inputs) => ({
      weights: [inputs.normal([65])],
      grads: [inputs.normal([65])],
      m: [inputs.normal([65])],
      v: [inputs.uniform([65], 0, 1)],
      weightDecay: [0],
      learningRate: 1e-3,
      beta1: 0.9,
      beta2: 0.999,
      eps: 1e-8,
      step: 3,
      clip: 1,
      squaredNorm: inputs.constant([1], 65),
    }),
  },
  { kernel: 'squaredNorm', name: 'four tensors', make: (inputs) => ({ xs: each((shape) => inputs.normal(shape)) }) },
  { kernel: 'squaredNorm', name: 'one number', make: (inputs) => ({ xs: [inputs.normal([1])] }) },
  { kernel: 'squaredNorm', name: 'zeros', make: (inputs) => ({ xs: [inputs.constant([63], 0)] }) },
  { kernel: 'squaredNorm', name: 'no tensors', make: () => ({ xs: [] }) },
  {
    kernel: 'squaredNorm',
    name: 'one of them NaN',
    make: (inputs) => ({ xs: [inputs.normal([5]), inputs.of([17], (i) => (i === 9 ? NaN : 1))] }),
  },
];
