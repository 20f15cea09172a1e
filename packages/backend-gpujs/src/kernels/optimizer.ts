/** AdamW over a list of parameters, and the squared gradient norm that clipping needs. */

import type { Kernels } from '@sympow/kernels';
import type { Machine } from '../machine';
import type { Floats, Sized, Thread } from '../program';
import type { Storage } from '../storage';

/** Grid [⌈size/run⌉]: the squares of `run` numbers behind each other. */
function squares(this: Sized<'run' | 'size'>, x: Floats): number {
  let sum = 0;
  for (let i = 0; i < this.constants.run; i++) {
    const at = this.thread.x * this.constants.run + i;
    if (at < this.constants.size) sum += x[at]! * x[at]!;
  }
  return sum;
}

/** Grid [1]. */
function total(this: Sized<'n'>, before: Floats, x: Floats): number {
  let sum = 0;
  for (let i = 0; i < this.constants.n; i++) sum += x[i]!;
  return before[0]! + sum;
}

/** What gradients are multiplied by, −1 where the update is to be skipped. Grid [1]. */
function clipping(this: Thread<object>, squaredNorm: Floats, clip: number, largest: number): number {
  const square = squaredNorm[0]!;
  if (square >= 0 && square <= largest) return Math.min(1, clip / (Math.sqrt(square) + 1e-6));
  return -1;
}

/** β·m + (1 − β)·g, with g squared where `squared`. */
function moment(this: Sized<'squared'>, m: Floats, grad: Floats, scale: Floats, beta: number, rest: number): number {
  if (scale[0]! < 0) return m[this.thread.x]!;
  const g = grad[this.thread.x]! * scale[0]!;
  if (this.constants.squared > 0) return beta * m[this.thread.x]! + rest * g * g;
  return beta * m[this.thread.x]! + rest * g;
}

function updated(
  this: Thread<object>,
  w: Floats,
  m: Floats,
  v: Floats,
  scale: Floats,
  keep: number,
  rate: number,
  correction: number,
  eps: number,
): number {
  if (scale[0]! < 0) return w[this.thread.x]!;
  return w[this.thread.x]! * keep - (rate * m[this.thread.x]!) / (Math.sqrt(v[this.thread.x]!) / correction + eps);
}

/** The largest float32. */
const largest = 3.4028234663852886e38;

export function optimizer(machine: Machine): Pick<Kernels, 'adamw' | 'squaredNorm'> {
  return {
    squaredNorm: ({ xs, y }) => {
      let sum: Storage = machine.none;
      for (const x of xs) {
        // Two levels of about √size terms each: rounding stays that of √size sums.
        const run = Math.ceil(Math.sqrt(x.size));
        const runs = Math.ceil(x.size / (run || 1));
        const parts = machine.temporary(squares, [runs], { run, size: x.size }, x);
        sum = machine.temporary(total, [1], { n: runs }, sum, parts);
      }
      machine.write(y, total, [1], { n: 0 }, sum, machine.none);
    },
    adamw: ({ weights, grads, m, v, weightDecay, learningRate, beta1, beta2, eps, step, clip, squaredNorm }) => {
      const scale = machine.temporary(clipping, [1], {}, squaredNorm, Math.min(clip, largest), largest);
      const rate = learningRate / (1 - beta1 ** step);
      const correction = Math.sqrt(1 - beta2 ** step);
      weights.forEach((w, parameter) => {
        const { size } = w;
        const [mean, square, grad] = [m[parameter]!, v[parameter]!, grads[parameter]!];
        const keep = 1 - learningRate * weightDecay[parameter]!;
        machine.write(mean, moment, [size], { squared: 0 }, mean, grad, scale, beta1, 1 - beta1);
        machine.write(square, moment, [size], { squared: 1 }, square, grad, scale, beta2, 1 - beta2);
        machine.write(w, updated, [size], {}, w, mean, square, scale, keep, rate, correction, eps);
      });
    },
  };
}
