/**
 * The recurrence by its definition, as the plainest possible double loop over numbers: §3, §4 and §6 of the
 * specification. It shares no code with any backend, so that the definition of the kernels has something to be held to.
 */

import type { Normalizer } from '@sympow/kernels';
import type { Numbers } from './api';

export interface Sequence {
  readonly power: number;
  readonly normalizer: Normalizer;
  /** [B, T, H, d] */
  readonly q: Numbers;
  /** [B, T, G, d] */
  readonly k: Numbers;
  /** [B, T, G, e] */
  readonly v: Numbers;
  /** [B, T, G] or [B, T, G, d] */
  readonly logGate?: Numbers | undefined;
  /** [B, G, D, e] and [B, G, D] */
  readonly S0?: Numbers | undefined;
  readonly Z0?: Numbers | undefined;
}

export interface SequenceResult {
  /** [B, T, H, e] */
  readonly y: Float64Array;
  /** [B, G, D, e] and [B, G, D] */
  readonly SLast: Float64Array;
  readonly ZLast: Float64Array;
}

/** Non-decreasing sequences of `length` coordinates from `first` to d − 1, in lexicographic order. */
function sequences(d: number, length: number, first = 0): number[][] {
  if (length === 0) return [[]];
  const all: number[][] = [];
  for (let i = first; i < d; i++) for (const rest of sequences(d, length - 1, i)) all.push([i, ...rest]);
  return all;
}

function factorial(n: number): number {
  return n <= 1 ? 1 : n * factorial(n - 1);
}

/** φ(x), §2. */
function phi(x: readonly number[], power: number): number[] {
  return sequences(x.length, power).map((index) => {
    let weight = factorial(power);
    for (let i = 0; i < x.length; i++) weight /= factorial(index.filter((each) => each === i).length);
    return index.reduce((product, i) => product * x[i]!, Math.sqrt(weight));
  });
}

/** Row-major element; axes and position have the same length. */
function at({ shape, data }: Numbers, ...position: number[]): number {
  return data[position.reduce((offset, i, axis) => offset * shape[axis]! + i, 0)]!;
}

/** Outputs and final state of a sequence from an initial state, in O(T²). */
export function naive({ power, normalizer, q, k, v, logGate, S0, Z0 }: Sequence): SequenceResult {
  const [B, T, H, d] = q.shape as [number, number, number, number];
  const [G, e] = [k.shape[2]!, v.shape[3]!];
  const rows = sequences(d, power);
  const D = rows.length;
  const vector = logGate?.shape.length === 4;
  const y: number[] = [];
  const SLast: number[] = [];
  const ZLast: number[] = [];

  /** γ of one token in one dimension of the key, to the power that one factor of a score sees. */
  const gate = (b: number, t: number, g: number, i: number): number => {
    if (!logGate) return 1;
    const log = vector ? at(logGate, b, t, g, i) : at(logGate, b, t, g);
    // A gate below the smallest normal float32 is 0.
    return log < -87 ? 0 : Math.exp(vector ? log : log / power);
  };
  /** What is left at token i of dimension m of something that entered at token j; j = −1 is the initial state. */
  const left = (b: number, i: number, j: number, g: number, m: number): number => {
    let product = 1;
    for (let t = j + 1; t <= i; t++) product *= gate(b, t, g, m);
    return product;
  };
  const vectorOf = (x: Numbers, b: number, t: number, h: number): number[] =>
    Array.from({ length: d }, (_, i) => at(x, b, t, h, i));

  for (let b = 0; b < B; b++) {
    for (let i = 0; i < T; i++) {
      for (let h = 0; h < H; h++) {
        const g = Math.floor((h * G) / H);
        const query = vectorOf(q, b, i, h).map((x) => x / Math.sqrt(d));
        const num = new Array<number>(e).fill(0);
        let den = 0;
        for (let j = 0; j <= i; j++) {
          const key = vectorOf(k, b, j, g);
          let score = 0;
          for (let m = 0; m < d; m++) score += query[m]! * key[m]! * left(b, i, j, g, m);
          const weight = score ** power;
          den += weight;
          for (let c = 0; c < e; c++) num[c]! += weight * at(v, b, j, g, c);
        }
        if (S0 && Z0) {
          const features = phi(
            query.map((x, m) => x * left(b, i, -1, g, m)),
            power,
          );
          for (let r = 0; r < D; r++) {
            den += features[r]! * at(Z0, b, g, r);
            for (let c = 0; c < e; c++) num[c]! += features[r]! * at(S0, b, g, r, c);
          }
        }
        for (let c = 0; c < e; c++) y.push(normalizer === 'none' ? num[c]! : den === 0 ? 0 : num[c]! / den);
      }
    }
    for (let g = 0; g < G; g++) {
      const keys = Array.from({ length: T }, (_, j) =>
        phi(
          vectorOf(k, b, j, g).map((x, m) => x * left(b, T - 1, j, g, m)),
          power,
        ),
      );
      for (let r = 0; r < D; r++) {
        const decay = rows[r]!.reduce((product, m) => product * left(b, T - 1, -1, g, m), 1);
        let z = Z0 ? decay * at(Z0, b, g, r) : 0;
        for (let j = 0; j < T; j++) z += keys[j]![r]!;
        ZLast.push(z);
        for (let c = 0; c < e; c++) {
          let s = S0 ? decay * at(S0, b, g, r, c) : 0;
          for (let j = 0; j < T; j++) s += keys[j]![r]! * at(v, b, j, g, c);
          SLast.push(s);
        }
      }
    }
  }
  return { y: Float64Array.from(y), SLast: Float64Array.from(SLast), ZLast: Float64Array.from(ZLast) };
}
