/** Rotation of neighbouring pairs (x_2m, x_2m+1) by a phase in turns; specification §5. */

import type { Kernels } from '@sympow/kernels';
import type { Machine } from '../machine';
import type { Floats, Sized } from '../program';

type Heads = Sized<'H' | 'G' | 'half'>;

/**
 * Grid [d, B·T·H]; `way` is 1, or −1 to turn back. Sine and cosine are those of the nearest quarter turn and a polynomial of
 * the rest, |r| ≤ π/4: a GPU's own are as far off as 1e-4.
 */
function rotate(this: Heads, x: Floats, turns: Floats, way: number): number {
  const m = Math.floor((this.thread.x + 0.5) / 2);
  const odd = this.thread.x - 2 * m;
  const token = Math.floor((this.thread.y + 0.5) / this.constants.H);
  const g = Math.floor(((this.thread.y - token * this.constants.H + 0.5) * this.constants.G) / this.constants.H);
  const turn = turns[(token * this.constants.G + g) * this.constants.half + m]!;
  const quarter = Math.floor(4 * turn + 0.5);
  const r = 6.283185307179586 * (turn - 0.25 * quarter);
  const s = r * r;
  let sine = 2.7557319e-6 * s - 1.984127e-4;
  sine = (sine * s + 8.3333333e-3) * s - 0.16666667;
  sine = r + r * s * sine;
  let cosine = -2.7557319e-7 * s + 2.4801587e-5;
  cosine = (cosine * s - 1.3888889e-3) * s + 4.1666667e-2;
  cosine = 1 - 0.5 * s + s * s * cosine;
  // quarter modulo 4: 0, 1, 2, 3
  const place = quarter - 4 * Math.floor((quarter + 0.5) / 4);
  let sin = sine;
  let cos = cosine;
  if (place === 1) {
    sin = cosine;
    cos = -sine;
  }
  if (place === 2) {
    sin = -sine;
    cos = -cosine;
  }
  if (place === 3) {
    sin = -cosine;
    cos = sine;
  }
  sin *= way;
  const at = 2 * (this.thread.y * this.constants.half + m);
  if (odd > 0) return x[at]! * sin + x[at + 1]! * cos;
  return x[at]! * cos - x[at + 1]! * sin;
}

/** Grid [d/2, G, B·T]: a small turn moves (u, v) along (−v, u), for all heads of a group. */
function turnGradient(this: Heads, x: Floats, dx: Floats): number {
  let sum = 0;
  const perGroup = Math.floor((this.constants.H + 0.5) / this.constants.G);
  for (let h = 0; h < this.constants.H; h++) {
    if (h >= this.thread.y * perGroup && h < (this.thread.y + 1) * perGroup) {
      const at = 2 * ((this.thread.z * this.constants.H + h) * this.constants.half + this.thread.x);
      sum += dx[at + 1]! * x[at]! - dx[at]! * x[at + 1]!;
    }
  }
  return 6.283185307179586 * sum;
}

export function rotary(machine: Machine): Pick<Kernels, 'rotary' | 'rotaryBackward'> {
  return {
    rotary: ({ x, turns, y }) => {
      const [B, T, H, d] = x.shape as [number, number, number, number];
      const sizes = { H, G: turns.shape[2]!, half: d / 2 };
      machine.write(y, rotate, [d, B * T * H], sizes, x, turns, 1);
    },
    rotaryBackward: ({ x, turns, dy, dx, dturns }) => {
      const [B, T, H, d] = x.shape as [number, number, number, number];
      const sizes = { H, G: turns.shape[2]!, half: d / 2 };
      machine.write(dx, rotate, [d, B * T * H], sizes, dy, turns, -1);
      machine.write(dturns, turnGradient, [d / 2, sizes.G, B * T], sizes, x, dx);
    },
  };
}
