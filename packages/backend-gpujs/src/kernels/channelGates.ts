/** Gradients of attention whose gates decay the channels of keys: every pair of tokens has decays of its own. */

import type { Floats, Sized } from '../program';

type Channels = Sized<'T' | 'S' | 'H' | 'G' | 'd' | 'rows' | 'width' | 'plane' | 'window'>;

/** Grid [d, T·H, B]: the gradient of a query whose keys are decayed by channel. */
export function channelsOverKeys(
  this: Channels,
  ds: Floats,
  k: Floats,
  A: Floats,
  start: Floats,
  before: Floats,
  from: number,
): number {
  const t = Math.floor((this.thread.y + 0.5) / this.constants.H);
  const h = this.thread.y - t * this.constants.H;
  const row = t - from;
  if (row < 0 || row >= this.constants.rows) {
    return before[
      (this.thread.z * this.constants.T * this.constants.H + this.thread.y) * this.constants.d + this.thread.x
    ]!;
  }
  const g = Math.floor(((h + 0.5) * this.constants.G) / this.constants.H);
  const at = ((this.thread.z * this.constants.H + h) * this.constants.rows + row) * this.constants.S;
  const own = ((this.thread.z * this.constants.S + t) * this.constants.G + g) * this.constants.width + this.thread.x;
  const first = Math.max(start[own]!, t + 1 - this.constants.window);
  let sum = 0;
  for (let j = Math.max(0, first); j <= t; j++) {
    const key = (this.thread.z * this.constants.S + j) * this.constants.G + g;
    const gate = key * this.constants.width + this.thread.x;
    const tail = A[this.constants.plane + own]! - A[this.constants.plane + gate]!;
    const kept = Math.exp(A[own]! - A[gate]! + tail);
    if (ds[at + j]! !== 0 && kept > 0) sum += ds[at + j]! * k[key * this.constants.d + this.thread.x]! * kept;
  }
  return sum / Math.sqrt(this.constants.d);
}

/** Grid [d, S·G, B]: the gradient of a key that is decayed by channel. */
export function channelsOverQueries(
  this: Channels,
  ds: Floats,
  q: Floats,
  A: Floats,
  start: Floats,
  before: Floats,
  from: number,
): number {
  const j = Math.floor((this.thread.y + 0.5) / this.constants.G);
  const g = this.thread.y - j * this.constants.G;
  const perGroup = Math.floor((this.constants.H + 0.5) / this.constants.G);
  const gate =
    (this.thread.z * this.constants.S * this.constants.G + this.thread.y) * this.constants.width + this.thread.x;
  const end = Math.min(Math.min(from + this.constants.rows, this.constants.T), j + this.constants.window);
  let sum = 0;
  for (let h = g * perGroup; h < (g + 1) * perGroup; h++) {
    for (let t = Math.max(j, from); t < end; t++) {
      const own =
        ((this.thread.z * this.constants.S + t) * this.constants.G + g) * this.constants.width + this.thread.x;
      const weight =
        ds[((this.thread.z * this.constants.H + h) * this.constants.rows + t - from) * this.constants.S + j]!;
      if (weight !== 0 && j >= start[own]!) {
        const tail = A[this.constants.plane + own]! - A[this.constants.plane + gate]!;
        const kept = Math.exp(A[own]! - A[gate]! + tail);
        const x =
          q[((this.thread.z * this.constants.T + t) * this.constants.H + h) * this.constants.d + this.thread.x]!;
        if (kept > 0) sum += weight * x * kept;
      }
    }
  }
  sum /= Math.sqrt(this.constants.d);
  if (from > 0) {
    sum +=
      before[(this.thread.z * this.constants.S * this.constants.G + this.thread.y) * this.constants.d + this.thread.x]!;
  }
  return sum;
}

/** Grid [gates, G, B·S]: what a token's query and key say about the decay of its channels; behind them the added gate. */
export function channelGates(
  this: Sized<'H' | 'G' | 'd'>,
  q: Floats,
  dq: Floats,
  k: Floats,
  dk: Floats,
  added: Floats,
): number {
  const token = this.thread.z * this.constants.G + this.thread.y;
  if (this.thread.x >= this.constants.d) return added[token]!;
  const perGroup = Math.floor((this.constants.H + 0.5) / this.constants.G);
  let sum = 0;
  for (let h = this.thread.y * perGroup; h < (this.thread.y + 1) * perGroup; h++) {
    const at = (this.thread.z * this.constants.H + h) * this.constants.d + this.thread.x;
    if (dq[at]! !== 0) sum += q[at]! * dq[at]!;
  }
  const own = token * this.constants.d + this.thread.x;
  if (dk[own]! !== 0) sum -= k[own]! * dk[own]!;
  return sum;
}
