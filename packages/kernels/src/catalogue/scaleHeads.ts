import { floats } from '../js/tensor';
import type { Tensor } from '../tensor';
import type { Entry } from './entry';
import { whole } from './options';

/** What `scaleHeads` reads, is told and writes; its entry has the formula. */
export interface ScaleHeadsArgs {
  /** [B, T, G, d] */
  x: Tensor;
  /** [B, G] from `keyScale`. */
  scale: Tensor;
  /** A whole number, which may be negative. */
  times: number;

  /** [B, T, G, d] */
  y: Tensor;
}

/** y = x·scale^times for each head. */
export const scaleHeads: Entry<ScaleHeadsArgs> = {
  reads: { x: 'B T G d', scale: 'B G' },
  writes: { y: 'B T G d' },
  wide: ['scale'],
  options: { times: whole },
  // Products with powers of two.
  roundings: 0,
};

/** What it means; the `js` backend runs it. */
export const scaleHeadsJs = {
  scaleHeads: scaled,
};

function scaled({ x, scale, times, y }: ScaleHeadsArgs): void {
  const [B, T, G, d] = x.shape as [number, number, number, number];
  const [from, scales, to] = [floats(x), floats(scale), floats(y)];
  for (let row = 0; row < B * T * G; row++) {
    const factor = scales[Math.floor(row / (T * G)) * G + (row % G)]! ** times;
    for (let i = row * d; i < (row + 1) * d; i++) to[i] = from[i]! * factor;
  }
}
