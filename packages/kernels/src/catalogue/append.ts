/** Streams: new tokens behind those that a memory holds, every row at a place of its own. */

import { integers, stored } from '../js/tensor';
import type { Tensor } from '../tensor';
import type { Entry } from './entry';
import { refuse } from './refuse';

/** What `append` reads, is told and writes; its entry has the formula. */
export interface AppendArgs {
  /** [B, T, G, d] */
  k: Tensor;
  /** [B, T, G, e] */
  v: Tensor;
  /** [B, T, G], or [B, T, G, any number of gates] */
  logGate?: Tensor | undefined;
  /** [B] int32: where the first token of each row goes. Below 0 the row rests: nothing of it is written. */
  offset: Tensor;

  /** [B, S, G, d]: token t of row b stands at offset[b] + t, or nowhere if that is S or more; the others stay as they are. */
  keys: Tensor;
  /** [B, S, G, e] */
  values: Tensor;
  /** [B, S, G] or [B, S, G, …] as `logGate`, with it. */
  logGates?: Tensor | undefined;
  /** [B] int32: the place behind the last token, offset + T; that of a row that rests stays. */
  next: Tensor;
}

/** keys, values and log gates of new tokens behind those that a memory holds; for streams, hence without a backward. */
export const append: Entry<AppendArgs> = {
  reads: { k: 'B T G d', v: 'B T G e', 'logGate?': 'B T G [gate]', offset: 'B' },
  writes: { keys: 'B S G d', values: 'B S G e', 'logGates?': 'B S G [gate]', next: 'B' },
  integers: ['offset', 'next'],
  wide: ['logGate', 'logGates'],
  moves: { keys: 'k', values: 'v', logGates: 'logGate' },
  together: ['logGate', 'logGates'],
  roundings: 0,
  rule({ logGate, logGates }) {
    const [from, to] = [logGate?.shape, logGates?.shape];
    if (from?.length !== to?.length) refuse('append: shape of logGates', to, `${from!.length} axes as in logGate`);
  },
};

/** What it means; the `js` backend runs it. */
export const appendJs = {
  append: forward,
};

function forward({ k, v, logGate, offset, keys, values, logGates, next }: AppendArgs): void {
  const places = integers(offset);
  put(k, places, keys);
  put(v, places, values);
  if (logGate && logGates) put(logGate, places, logGates);
  const [T, behind] = [k.shape[1] as number, integers(next)];
  for (let b = 0; b < places.length; b++) behind[b] = places[b]! < 0 ? places[b]! : places[b]! + T;
}

function put(x: Tensor, places: Int32Array, y: Tensor): void {
  const [B, T] = x.shape as [number, number];
  const S = y.shape[1] as number;
  const row = x.size / (B * T || 1);
  const [from, to] = [stored(x), stored(y)];
  for (let b = 0; b < B; b++) {
    const place = places[b]!;
    const count = Math.min(T, S - place);
    if (place < 0 || count <= 0) continue;
    to.set(from.subarray(b * T * row, (b * T + count) * row), (b * S + place) * row);
  }
}
