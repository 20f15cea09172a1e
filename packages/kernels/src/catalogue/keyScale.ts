/** Powers of two that keep φ of a head's keys, and the states that it makes, within the range of a float. */

import { floats } from '../js/tensor';
import type { Tensor } from '../tensor';
import type { Entry } from './entry';
import { atLeast1 } from './options';

/** What `keyScale` reads, is told and writes; its entry has the formula. */
export interface KeyScaleArgs {
  /** [B, T, G, d] */
  k: Tensor;
  /** [B, G, D] */
  Z?: Tensor | undefined;
  power: number;

  /**
   * [B, G]: 2^−n for the n with which the largest |k_i| of a head, or the p-th root of its largest |Z_i|, is in [2^n, 2^{n+1});
   * 1 where p·|n| ≤ 32, as powers of such keys are far from the ends of a float. NaN, infinities and a head of zeros have no say.
   */
  scale: Tensor;
}

/** The power of two that keeps φ of a head’s keys within the range of a float. */
export const keyScale: Entry<KeyScaleArgs> = {
  reads: { k: 'B T G d', 'Z?': 'B G D' },
  writes: { scale: 'B G' },
  wide: ['scale'],
  options: { power: atLeast1 },
  // Powers of two.
  roundings: 0,
};

/** What it means; the `js` backend runs it. */
export const keyScaleJs = {
  keyScale: scales,
};

/** Where powers of keys stay within 2^±this, they are far from both ends of a float. */
const comfortable = 32;
/** Of a scale: its reciprocal is a normal float, too. */
const steepest = 126;

/** The largest finite |x| of `count` numbers, and of `most`. */
function largest(x: Tensor, at: number, count: number, most: number): number {
  const data = floats(x);
  for (let i = at; i < at + count; i++) {
    const size = Math.abs(data[i]!);
    if (size > most && size < Infinity) most = size;
  }
  return most;
}

function scales({ k, Z, power, scale }: KeyScaleArgs): void {
  const [B, T, G, d] = k.shape as [number, number, number, number];
  const D = Z?.shape[2] ?? 0;
  const out = floats(scale);
  for (let head = 0; head < B * G; head++) {
    const [b, g] = [Math.floor(head / G), head % G];
    let ofKeys = 0;
    for (let t = 0; t < T; t++) ofKeys = largest(k, ((b * T + t) * G + g) * d, d, ofKeys);
    const ofState = Z ? largest(Z, head * D, D, 0) : 0;
    const n = Math.max(Math.floor(Math.log2(ofKeys)), Math.floor(Math.floor(Math.log2(ofState)) / power));
    const needed = Number.isFinite(n) && power * Math.abs(n) > comfortable;
    out[head] = needed ? 2 ** -Math.max(-steepest, Math.min(steepest, n)) : 1;
  }
}
