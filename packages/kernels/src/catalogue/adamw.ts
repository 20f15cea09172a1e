/** AdamW; the squared gradient norm that clipping needs is `squaredNorm`. */

import { floats } from '../js/tensor';
import type { Tensor } from '../tensor';
import type { Entry } from './entry';
import { atLeast1, clipping, finite, small } from './options';
import { refuse } from './refuse';

/** What `adamw` reads, is told and writes; its entry has the formula. */
export interface AdamWArgs {
  /** One list entry per parameter; `weights`, `m` and `v` are updated in place. */
  weights: readonly Tensor[];
  grads: readonly Tensor[];
  m: readonly Tensor[];
  v: readonly Tensor[];
  /** Weight decay of each parameter. */
  weightDecay: readonly number[];
  learningRate: number;
  beta1: number;
  beta2: number;
  eps: number;
  /** Number of this update, from 1, for the bias correction. */
  step: number;
  /** Gradients are multiplied by min(1, clip / (norm + 1e-6)), as PyTorch does; `Infinity` never clips. */
  clip: number;
  /** [1] from `squaredNorm`. Where it is not finite the whole update is skipped. */
  squaredNorm: Tensor;
}

/** AdamW over a list of parameters: weights, m and v in place. */
export const adamw: Entry<AdamWArgs> = {
  reads: { squaredNorm: '1' },
  writes: {},
  lists: ['weights', 'grads', 'm', 'v'],
  updates: ['weights', 'm', 'v'],
  wide: ['weights', 'm', 'v', 'squaredNorm'],
  options: { learningRate: finite, beta1: finite, beta2: finite, eps: small, step: atLeast1, clip: clipping },
  roundings: 64,
  rule({ weights, weightDecay }) {
    if (weightDecay.length === weights.length) return;
    refuse('adamw: length of weightDecay', weightDecay.length, `${weights.length} numbers as in weights`);
  },
};

/** What it means; the `js` backend runs it. */
export const adamwJs = {
  adamw: update,
};

function update({
  weights,
  grads,
  m,
  v,
  weightDecay,
  learningRate,
  beta1,
  beta2,
  eps,
  step,
  clip,
  squaredNorm,
}: AdamWArgs): void {
  const norm = Math.sqrt(floats(squaredNorm)[0]!);
  if (!Number.isFinite(norm)) return;
  const scale = Math.min(1, clip / (norm + 1e-6));
  const correction1 = 1 - beta1 ** step;
  const correction2 = Math.sqrt(1 - beta2 ** step);
  weights.forEach((weight, parameter) => {
    const w = floats(weight);
    const g = floats(grads[parameter]!);
    const first = floats(m[parameter]!);
    const second = floats(v[parameter]!);
    const keep = 1 - learningRate * weightDecay[parameter]!;
    for (let i = 0; i < w.length; i++) {
      const gradient = g[i]! * scale;
      const mean = beta1 * first[i]! + (1 - beta1) * gradient;
      const square = beta2 * second[i]! + (1 - beta2) * gradient * gradient;
      first[i] = mean;
      second[i] = square;
      w[i] = w[i]! * keep - ((learningRate / correction1) * mean) / (Math.sqrt(square) / correction2 + eps);
    }
  });
}
