/**
 * Decay factors e^{A_i − A_j} of one key/value head, split over keys and queries so that scores stay plain products.
 *
 * With scalar gates a score carries the p-th root of the decay, so both its vectors are scaled by e^{±A/p}; with vector
 * gates each dimension has its own A, unscaled. Either way a factored pair is exact as long as neither factor overflows:
 * the reference is never later than the query, and blocks are cut where the decay inside them gets steep.
 */

import type { GateSums } from '../catalogue/entry';
import type { Tensor } from '../tensor';
import { gateView, type GateView } from './tensor';

/** A log gate below this (γ under the smallest normal float32) is a gate of 0: nothing before it is seen. */
export const resetBelow = -87;

/** Steepest decay inside a block, as an exponent: far from both ends of a double. */
const steepest = 300;
const blockRows = 64;

export class Decay {
  private readonly view: GateView | undefined;
  private readonly perToken: number;
  private readonly exponent: number;
  private base = 0;

  /** `like` is [B, T, G, …]: the keys, or the gates themselves. */
  constructor(
    gates: GateSums | undefined,
    private readonly length: number,
    private readonly heads: number,
    private readonly d: number,
    private readonly power: number,
  ) {
    this.view = gates && gateView(gates);
    this.exponent = gates?.start.shape.length === 4 ? 1 : 1 / power;
    this.perToken = heads * this.width;
  }

  /** Gates per token and head: 1, or d for vector gates. */
  get width(): number {
    return this.view?.width ?? 1;
  }

  select(batch: number, head: number): this {
    this.base = (batch * this.length * this.heads + head) * this.width;
    return this;
  }

  /** A_t of dimension i; `i` is ignored with scalar gates. */
  private sum(view: GateView, t: number, i: number): number {
    const at = this.base + t * this.perToken + (view.width === 1 ? 0 : i);
    return view.head[at]! + view.tail[at]!;
  }

  private start(view: GateView, t: number, i: number): number {
    return view.start[this.base + t * this.perToken + (view.width === 1 ? 0 : i)]!;
  }

  /** The first token that `t` sees in any dimension, at least `from`. */
  firstSeen(t: number, from: number): number {
    if (!this.view) return from;
    let first = Infinity;
    for (let i = 0; i < this.width; i++) first = Math.min(first, this.start(this.view, t, i));
    return Math.max(from, first);
  }

  /** End of the block of queries that begins at `t`: no reset inside, no steep decay, at most 64 rows. */
  blockEnd(t: number, last: number): number {
    const end = Math.min(last, t + blockRows);
    if (!this.view) return end;
    for (let row = t + 1; row < end; row++) {
      for (let i = 0; i < this.width; i++) {
        if (this.start(this.view, row, i) !== this.start(this.view, t, i)) return row;
        const decay = (this.sum(this.view, t, i) - this.sum(this.view, row, i)) * this.exponent;
        // NaN too: the rows before it do not share a block with it.
        if (!(decay <= steepest)) return row;
      }
    }
    return end;
  }

  /** The first token of [begin, end) that sees nothing of what was before `begin`, and so do all after it. */
  stateEnd(begin: number, end: number): number {
    if (!this.view) return end;
    let t = begin;
    while (t < end && this.firstSeen(t, -1) < begin) t++;
    return t;
  }

  /** out[j − from, :] = e^{(A_reference − A_j)}, to the exponent of the gates; 0 where the reference does not see j. */
  keys(out: Float64Array, from: number, to: number, reference: number): void {
    this.fill(out, from, to, (view, j, i) =>
      j < this.start(view, reference, i)
        ? 0
        : Math.exp((this.sum(view, reference, i) - this.sum(view, j, i)) * this.exponent),
    );
  }

  /** out[t − from, :] = e^{A_t − A_reference}, to the exponent of the gates. */
  queries(out: Float64Array, from: number, to: number, reference: number): void {
    this.fill(out, from, to, (view, t, i) =>
      Math.exp((this.sum(view, t, i) - this.sum(view, reference, i)) * this.exponent),
    );
  }

  /** out[t − from, :] = e^{A_t}, to the exponent of the gates: what is left of the state before the chunk at `begin`. */
  state(out: Float64Array, from: number, to: number, begin: number): void {
    this.fill(out, from, to, (view, t, i) =>
      this.start(view, t, i) >= begin ? 0 : Math.exp(this.sum(view, t, i) * this.exponent),
    );
  }

  /** e^{A} of a whole chunk for each of the state's rows: `last` is the chunk's last token, `begin` its first. */
  rows(out: Float64Array, begin: number, last: number, indices: Int32Array | undefined): void {
    const { view, power } = this;
    if (!view) {
      out.fill(1);
    } else if (!indices) {
      out.fill(this.start(view, last, 0) >= begin ? 0 : Math.exp(this.sum(view, last, 0)));
    } else {
      for (let row = 0; row * power < indices.length; row++) {
        let sum = 0;
        for (let r = 0; r < power; r++) {
          const i = indices[row * power + r]!;
          sum += this.start(view, last, i) >= begin ? -Infinity : this.sum(view, last, i);
        }
        out[row] = Math.exp(sum);
      }
    }
  }

  /**
   * Adds to `dA` [T of this head, width] what a gradient `dx` of token t's vector `x` says about A_t, where the vector
   * was used as x·e^{±A}: `sign` is +1 for queries and −1 for keys.
   */
  gradient(
    dA: Float64Array,
    t: number,
    x: ArrayLike<number>,
    atX: number,
    dx: Float64Array,
    atDx: number,
    sign: 1 | -1,
  ): void {
    const { width, d } = this;
    const at = t * width;
    if (width > 1) {
      for (let i = 0; i < d; i++) dA[at + i] = dA[at + i]! + sign * x[atX + i]! * dx[atDx + i]!;
      return;
    }
    let sum = 0;
    for (let i = 0; i < d; i++) sum += x[atX + i]! * dx[atDx + i]!;
    dA[at] = dA[at]! + sign * sum * this.exponent;
  }

  /** Writes dA [T, width] of the selected head into the tensor [B, T, G(, d)]. */
  store(dA: Float64Array, target: Tensor): void {
    const out = target.handle as Float64Array;
    const { width, perToken } = this;
    for (let t = 0; t < this.length; t++) {
      for (let i = 0; i < width; i++) out[this.base + t * perToken + i] = dA[t * width + i]!;
    }
  }

  private fill(
    out: Float64Array,
    from: number,
    to: number,
    factor: (view: GateView, t: number, i: number) => number,
  ): void {
    const { view, d } = this;
    if (!view) {
      out.fill(1, 0, (to - from) * d);
      return;
    }
    for (let t = from, at = 0; t < to; t++, at += d) {
      if (view.width === 1) out.fill(factor(view, t, 0), at, at + d);
      else for (let i = 0; i < d; i++) out[at + i] = factor(view, t, i);
    }
  }
}

/** out[r, :] = x[r, :]·factor[r, :]·scale for rows that stand `stride` apart in x. A factor of 0 hides even what is not finite. */
export function scaleRows(
  out: Float64Array,
  x: ArrayLike<number>,
  offset: number,
  stride: number,
  rows: number,
  d: number,
  factor: Float64Array,
  scale = 1,
): void {
  for (let r = 0, at = 0; r < rows; r++) {
    const row = offset + r * stride;
    for (let i = 0; i < d; i++, at++) out[at] = factor[at] === 0 ? 0 : x[row + i]! * factor[at]! * scale;
  }
}

/** x^p for a whole p ≥ 0. */
export function wholePower(x: number, p: number): number {
  if (p === 2) return x * x;
  let result = 1;
  for (let base = x, left = p; left > 0; left = Math.floor(left / 2), base *= base) if (left % 2 === 1) result *= base;
  return result;
}

/** A factor of 0 forgets even what is not finite. */
export function decayed(factor: number, value: number): number {
  return factor === 0 ? 0 : factor * value;
}
