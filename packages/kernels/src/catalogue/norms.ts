/** Layer norm and RMS norm over the last axis. The statistics are computed again in the backward pass. */

import { floats, lastAxis, store } from '../js/tensor';
import type { Tensor } from '../tensor';
import type { Entry } from './entry';
import { small } from './options';

/** What `norm` reads, is told and writes; its entry has the formula. */
export interface NormArgs {
  /** [rows…, n] */
  x: Tensor;
  /** [n]; 1 where absent. */
  weight?: Tensor | undefined;
  /** [n], layer norm only. */
  bias?: Tensor | undefined;
  /** Added to the variance (layer norm) or mean square (RMS norm). */
  eps: number;

  y: Tensor;
}

/** What `normBackward` reads, is told and writes; its entry has the formula. */
export interface NormBackwardArgs {
  x: Tensor;
  weight?: Tensor | undefined;
  dy: Tensor;
  eps: number;

  dx: Tensor;
  dweight?: Tensor | undefined;
  dbias?: Tensor | undefined;
}

const forward = {
  reads: { x: '… n', 'weight?': 'n', 'bias?': 'n' },
  writes: { y: '… n' },
  options: { eps: small },
  roundings: 64,
};
const backward = {
  reads: { x: '… n', 'weight?': 'n', dy: '… n' },
  writes: { dx: '… n', 'dweight?': 'n', 'dbias?': 'n' },
  options: { eps: small },
  roundings: 128,
};

/** y = (x − mean)/√(variance + eps)·weight + bias, over the last axis. */
export const layerNorm: Entry<NormArgs> = {
  ...forward,
};

/** The gradients of layerNorm. */
export const layerNormBackward: Entry<NormBackwardArgs> = {
  ...backward,
};

/** y = x/√(mean of squares + eps)·weight, over the last axis. */
export const rmsNorm: Entry<NormArgs> = {
  ...forward,
};

/** The gradients of rmsNorm. */
export const rmsNormBackward: Entry<NormBackwardArgs> = {
  ...backward,
};

/** What they mean; the `js` backend runs it. */
export const normsJs = {
  layerNorm: (args: NormArgs) => norm(args, true),
  layerNormBackward: (args: NormBackwardArgs) => normBackward(args, true),
  rmsNorm: (args: NormArgs) => norm(args, false),
  rmsNormBackward: (args: NormBackwardArgs) => normBackward(args, false),
};

/**
 * First number and mean from there (0 and 0 for RMS) and 1/√(variance + eps) of one row. Relative to the first nothing is lost
 * where numbers are far from 0 and near each other.
 */
function statistics(
  x: ArrayLike<number>,
  at: number,
  n: number,
  eps: number,
  centred: boolean,
): { first: number; mean: number; scale: number } {
  const first = centred ? x[at]! : 0;
  let mean = 0;
  if (centred) {
    for (let i = 0; i < n; i++) mean += x[at + i]! - first;
    mean /= n;
  }
  let square = 0;
  for (let i = 0; i < n; i++) {
    const d = x[at + i]! - first - mean;
    square += d * d;
  }
  return { first, mean, scale: 1 / Math.sqrt(square / n + eps) };
}

function norm({ x, weight, bias, eps, y }: NormArgs, centred: boolean): void {
  const input = floats(x);
  const out = floats(y);
  const w = weight && floats(weight);
  const b = bias && floats(bias);
  const n = lastAxis(x);
  for (let at = 0; at < input.length; at += n) {
    const { first, mean, scale } = statistics(input, at, n, eps, centred);
    for (let i = 0; i < n; i++) {
      const value = (input[at + i]! - first - mean) * scale;
      out[at + i] = value * (w ? w[i]! : 1) + (b ? b[i]! : 0);
    }
  }
}

function normBackward({ x, weight, dy, eps, dx, dweight, dbias }: NormBackwardArgs, centred: boolean): void {
  const input = floats(x);
  const gradient = floats(dy);
  const out = floats(dx);
  const w = weight && floats(weight);
  const n = lastAxis(x);
  const sumWeight = new Float64Array(n);
  const sumBias = new Float64Array(n);
  for (let at = 0; at < input.length; at += n) {
    const { first, mean, scale } = statistics(input, at, n, eps, centred);
    let sum = 0;
    let along = 0;
    for (let i = 0; i < n; i++) {
      const hat = (input[at + i]! - first - mean) * scale;
      const g = gradient[at + i]! * (w ? w[i]! : 1);
      sum += g;
      along += g * hat;
      sumWeight[i] = sumWeight[i]! + gradient[at + i]! * hat;
      sumBias[i] = sumBias[i]! + gradient[at + i]!;
    }
    const offset = centred ? sum / n : 0;
    for (let i = 0; i < n; i++) {
      const hat = (input[at + i]! - first - mean) * scale;
      const g = gradient[at + i]! * (w ? w[i]! : 1);
      out[at + i] = scale * (g - offset - (hat * along) / n);
    }
  }
  store(sumWeight, dweight);
  store(sumBias, dbias);
}
