/** Powers of two that keep φ of a head's keys, and the states that it makes, within the range of a float. */

import type { Kernels, Tensor } from '../api';
import { floats } from './tensor';

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

export const keyScale: Kernels['keyScale'] = ({ k, Z, power, scale }) => {
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
};

export const scaleHeads: Kernels['scaleHeads'] = ({ x, scale, times, y }) => {
  const [B, T, G, d] = x.shape as [number, number, number, number];
  const [from, scales, to] = [floats(x), floats(scale), floats(y)];
  for (let row = 0; row < B * T * G; row++) {
    const factor = scales[Math.floor(row / (T * G)) * G + (row % G)]! ** times;
    for (let i = row * d; i < (row + 1) * d; i++) to[i] = from[i]! * factor;
  }
};
