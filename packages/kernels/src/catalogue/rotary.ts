/** Rotation of neighbouring pairs (x_2m, x_2m+1) by a phase in turns; specification §5. */

import { floats, store } from '../js/tensor';
import type { Tensor } from '../tensor';
import type { Entry } from './entry';

/** What `rotary` reads, is told and writes; its entry has the formula. */
export interface RotaryArgs {
  /** [B, T, H, d] */
  x: Tensor;
  /** [B, T, G, d/2]; 1 is a full turn. */
  turns: Tensor;

  y: Tensor;
}

/** What `rotaryBackward` reads, is told and writes; its entry has the formula. */
export interface RotaryBackwardArgs {
  x: Tensor;
  turns: Tensor;
  dy: Tensor;

  dx: Tensor;
  dturns: Tensor;
}

/** Each pair (x_2m, x_2m+1) turned by its phase. */
export const rotary: Entry<RotaryArgs> = {
  reads: { x: 'B T H d', turns: 'B T G half' },
  writes: { y: 'B T H d' },
  wide: ['turns'],
  roundings: 128,
};

/** The gradients of rotary. */
export const rotaryBackward: Entry<RotaryBackwardArgs> = {
  reads: { x: 'B T H d', turns: 'B T G half', dy: 'B T H d' },
  writes: { dx: 'B T H d', dturns: 'B T G half' },
  wide: ['turns', 'dturns'],
  roundings: 128,
};

/** What they mean; the `js` backend runs it. */
export const rotaryJs = {
  rotary: forward,
  rotaryBackward: backward,
};

/** Runs `body` for each pair: where it stands in x and where its phase stands in turns. */
function everyPair(x: Tensor, turns: Tensor, body: (at: number, phase: number) => void): void {
  const [, , H, d] = x.shape as [number, number, number, number];
  const G = turns.shape[2] as number;
  const half = d / 2;
  const heads = x.size / (d || 1);
  for (let row = 0; row < heads; row++) {
    const head = row % H;
    const token = (row - head) / H;
    const phase = (token * G + Math.floor((head * G) / H)) * half;
    for (let m = 0; m < half; m++) body(row * d + 2 * m, phase + m);
  }
}

function forward({ x, turns, y }: RotaryArgs): void {
  const input = floats(x);
  const angles = floats(turns);
  const out = floats(y);
  everyPair(x, turns, (at, phase) => {
    const angle = 2 * Math.PI * angles[phase]!;
    const cos = Math.cos(angle);
    const sin = Math.sin(angle);
    const u = input[at]!;
    const v = input[at + 1]!;
    out[at] = u * cos - v * sin;
    out[at + 1] = u * sin + v * cos;
  });
}

function backward({ x, turns, dy, dx, dturns }: RotaryBackwardArgs): void {
  const input = floats(x);
  const angles = floats(turns);
  const gradient = floats(dy);
  const out = floats(dx);
  const sums = new Float64Array(dturns.size);
  everyPair(x, turns, (at, phase) => {
    const angle = 2 * Math.PI * angles[phase]!;
    const cos = Math.cos(angle);
    const sin = Math.sin(angle);
    const du = gradient[at]! * cos + gradient[at + 1]! * sin;
    const dv = gradient[at + 1]! * cos - gradient[at]! * sin;
    out[at] = du;
    out[at + 1] = dv;
    // A small turn moves (u, v) along (−v, u); the angle between gradient and input does not change with the rotation.
    sums[phase] = sums[phase]! + 2 * Math.PI * (dv * input[at]! - du * input[at + 1]!);
  });
  store(sums, dturns);
}
