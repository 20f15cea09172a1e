/** Powers of two that keep φ of a head's keys, and the states that it makes, within the range of a float. */

import type { Kernels } from '@sympow/kernels';
import type { Machine } from '../machine';
import type { Floats, Sized, Thread } from '../program';

/** Grid [G, T, B]: the largest finite |x| of a token. */
function largestOfRow(this: Sized<'T' | 'G' | 'd'>, x: Floats): number {
  const at = ((this.thread.z * this.constants.T + this.thread.y) * this.constants.G + this.thread.x) * this.constants.d;
  let most = 0;
  for (let i = 0; i < this.constants.d; i++) {
    const size = Math.abs(x[at + i]!);
    if (size > most && size < 3.4028235e38) most = size;
  }
  return most;
}

/** Grid [G, B]: the same of all tokens. */
function largestOfHead(this: Sized<'T' | 'G'>, rows: Floats): number {
  let most = 0;
  for (let t = 0; t < this.constants.T; t++) {
    most = Math.max(most, rows[(this.thread.y * this.constants.T + t) * this.constants.G + this.thread.x]!);
  }
  return most;
}

/** Grid [size]: ⌊log₂ x⌋ for x > 0, −1000 for 0. */
function exponents(this: Thread<object>, x: Floats): number {
  let rest = x[this.thread.x]!;
  if (rest <= 0) return -1000;
  let n = 0;
  for (let i = 0; i < 160; i++) {
    if (rest >= 2) {
      rest *= 0.5;
      n += 1;
    } else if (rest < 1) {
      rest *= 2;
      n -= 1;
    }
  }
  return n;
}

/** Grid [B·G]: 2^−n, 1 where that is not needed. */
function scales(this: Sized<'p' | 'stated'>, ofKeys: Floats, ofState: Floats): number {
  let n = ofKeys[this.thread.x]!;
  if (this.constants.stated > 0) {
    if (ofState[this.thread.x]! > -1000) {
      n = Math.max(n, Math.floor((ofState[this.thread.x]! + 0.5) / this.constants.p));
    }
  }
  if (n <= -1000 || this.constants.p * Math.abs(n) <= 32) return 1;
  let factor = 1;
  for (let i = 0; i < 126; i++) {
    if (i < n) factor *= 0.5;
    if (i < -n) factor *= 2;
  }
  return factor;
}

/** Grid [d, T·G, B]. */
function scaled(this: Sized<'T' | 'G' | 'd' | 'up' | 'down'>, x: Floats, scale: Floats): number {
  const g = this.thread.y - Math.floor((this.thread.y + 0.5) / this.constants.G) * this.constants.G;
  const factor = scale[this.thread.z * this.constants.G + g]!;
  let value =
    x[(this.thread.z * this.constants.T * this.constants.G + this.thread.y) * this.constants.d + this.thread.x]!;
  for (let i = 0; i < this.constants.up; i++) value *= factor;
  for (let i = 0; i < this.constants.down; i++) value /= factor;
  return value;
}

export function scale(machine: Machine): Pick<Kernels, 'keyScale' | 'scaleHeads'> {
  return {
    keyScale: ({ k, Z, power: p, scale: y }) => {
      const [B, T, G, d] = k.shape as [number, number, number, number];
      const ofRows = machine.temporary(largestOfRow, [G, T, B], { T, G, d }, k);
      const ofKeys = machine.temporary(largestOfHead, [G, B], { T, G }, ofRows);
      const keys = machine.temporary(exponents, [B * G], {}, ofKeys);
      const ofState = Z && machine.temporary(largestOfRow, [G, 1, B], { T: 1, G, d: Z.shape[2]! }, Z);
      const state = ofState ? machine.temporary(exponents, [B * G], {}, ofState) : machine.none;
      machine.write(y, scales, [B * G], { p, stated: Z ? 1 : 0 }, keys, state);
    },
    scaleHeads: ({ x, scale: factors, times, y }) => {
      const [B, T, G, d] = x.shape as [number, number, number, number];
      const constants = { T, G, d, up: Math.max(0, times), down: Math.max(0, -times) };
      machine.write(y, scaled, [d, T * G, B], constants, x, factors);
    },
  };
}
