/** Running sums of log gates with their resets; specification §7. */

import { everyColumn } from '../js/columns';
import { resetBelow } from '../js/decay';
import { floats, integers } from '../js/tensor';
import type { Tensor } from '../tensor';
import type { Entry, GateSums } from './entry';
import { atLeast1 } from './options';

/** What `gateSum` reads, is told and writes; its entry has the formula. */
export interface GateSumArgs extends GateSums {
  /** [B, T, G] or [B, T, G, d], each ≤ 0; −Infinity is allowed. Under −87 (γ below the smallest normal float32) it is a gate of 0. */
  logGate: Tensor;
  chunk: number;
}

/** What `gateSumBackward` reads, is told and writes; its entry has the formula. */
export interface GateSumBackwardArgs {
  /** The gradient of A has one plane. */
  dA: Tensor;
  start: Tensor;
  chunk: number;

  dlogGate: Tensor;
}

/** A = Σ log γ, inclusive, which begins anew at every chunk and at every gate that is 0, and where history begins. */
export const gateSum: Entry<GateSumArgs> = {
  reads: { logGate: 'B T G [d]' },
  writes: { A: '2 B T G [d]', start: 'B T G [d]' },
  integers: ['start'],
  wide: ['logGate', 'A'],
  options: { chunk: atLeast1 },
  // A is a pair of numbers whose sum has twice the digits; start is a whole number.
  roundings: { A: 2 ** -12, start: 0 },
};

/** dlogGate_m = Σ_{i ≥ m, same chunk, same reset} dA_i, and 0 at resets. */
export const gateSumBackward: Entry<GateSumBackwardArgs> = {
  reads: { dA: 'B T G [d]', start: 'B T G [d]' },
  writes: { dlogGate: 'B T G [d]' },
  integers: ['start'],
  wide: ['dA', 'dlogGate'],
  options: { chunk: atLeast1 },
  roundings: 64,
};

/** What they mean; the `js` backend runs it. */
export const gateSumJs = {
  gateSum: forward,
  gateSumBackward: backward,
};

function forward({ logGate, chunk, A, start }: GateSumArgs): void {
  const input = floats(logGate);
  const out = floats(A);
  const starts = integers(start);
  const tail = input.length;
  everyColumn(logGate, (at, step, length) => {
    let sum = 0;
    let latest = -1;
    for (let t = 0; t < length; t++, at += step) {
      if (t % chunk === 0) sum = 0;
      if (input[at]! < resetBelow) {
        sum = 0;
        latest = t;
      } else {
        sum += input[at]!;
      }
      out[at] = sum;
      out[tail + at] = sum - out[at]!;
      starts[at] = latest;
    }
  });
}

function backward({ dA, start, chunk, dlogGate }: GateSumBackwardArgs): void {
  const gradient = floats(dA);
  const starts = integers(start);
  const out = floats(dlogGate);
  everyColumn(dlogGate, (at, step, length) => {
    let sum = 0;
    for (let t = length - 1, x = at + t * step; t >= 0; t--, x -= step) {
      sum += gradient[x]!;
      const reset = starts[x] === t;
      out[x] = reset ? 0 : sum;
      if (reset || t % chunk === 0) sum = 0;
    }
  });
}
