/** Log gates of every temper, by name: `t` is the token and `C` the chunk length. */

import type { Normalizer, Shape } from '@sympow/kernels';
import type { Numbers } from '../api';
import type { Inputs } from '../inputs';

export const tempers = {
  /** As a trained model makes them. */
  usual: (inputs, shape) => inputs.replace(inputs.normal(shape, 2), (_, x) => -Math.log1p(Math.exp(-x - 2))),
  /** Nothing is forgotten. */
  one: (inputs, shape) => inputs.constant(shape, 0),
  /** Each token sees itself alone. */
  zero: (inputs, shape) => inputs.constant(shape, -Infinity),
  /** Gates of 0 at the first and last token of chunks, and some in between. */
  resets: (inputs, shape, C) =>
    byToken(inputs, shape, (t, x) => (t % C === 0 || t % C === C - 1 || t % 7 === 3 ? -Infinity : x)),
  /** Documents of 23 tokens. */
  documents: (inputs, shape) => byToken(inputs, shape, (t, x) => (t % 23 === 17 ? -Infinity : x)),
  /** Either side of where a gate counts as 0, next to gates of exactly 1. */
  threshold: (inputs, shape) => byToken(inputs, shape, (t) => [0, -86, 0, -87, -90, 0, -87.5, -1e4, -0.5][t % 9]!),
  /** Just above the threshold, token after token: the sums go far below what an exponential can hold. */
  steep: (inputs, shape) => byToken(inputs, shape, (t, x) => (t % 5 === 4 ? x : -80)),
  /** Heads or dimensions of one token differ as far as they can. */
  uneven: (inputs, shape) => inputs.of(shape, (i) => [0, -Infinity, -40, -0.01, -1e4][i % 5]!),
} satisfies Record<string, (inputs: Inputs, shape: Shape, C: number) => Numbers>;

export type Temper = keyof typeof tempers;

/** Sizes and options of a layer, with defaults where they are absent. */
export interface LayerCase {
  readonly name: string;
  readonly B?: number;
  readonly H?: number;
  readonly G?: number;
  readonly d?: number;
  readonly e?: number;
  readonly power: number;
  readonly gates?: Temper;
  readonly vector?: boolean;
  readonly normalizer?: Normalizer;
  /** Size of the keys. */
  readonly keyScale?: number;
}

/** [B, T, …]: usual gates, changed token by token. */
function byToken(inputs: Inputs, shape: Shape, change: (t: number, usual: number) => number): Numbers {
  const perToken = shape.slice(2).reduce((size, axis) => size * axis, 1);
  const T = shape[1]!;
  return inputs.replace(tempers.usual(inputs, shape), (i, x) => change(Math.floor(i / perToken) % T, x));
}

/** The same gates summed over chunks, as the kernels take them. */
export function gateSums(inputs: Inputs, logGate: Numbers, chunk: number): { A: Numbers; start: Numbers } {
  const { A, start } = inputs.define('gateSum', { logGate, chunk });
  return { A: A!, start: start! };
}
