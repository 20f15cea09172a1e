/** AdamW over a list of parameters, and the squared gradient norm that clipping needs. */

import type { Kernels } from '../api';
import { floats } from './tensor';

export const squaredNorm: Kernels['squaredNorm'] = ({ xs, y }) => {
  let sum = 0;
  for (const x of xs) {
    const data = floats(x);
    for (let i = 0; i < data.length; i++) sum += data[i]! * data[i]!;
  }
  floats(y)[0] = sum;
};

export const adamw: Kernels['adamw'] = ({
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
}) => {
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
};
