/** Streams: new tokens behind those that a memory holds, every row at a place of its own. */

import type { Kernels } from '../api';
import { integers, numbers } from './tensor';

export const append: Kernels['append'] = ({ k, v, logGate, offset, keys, values, logGates, next }) => {
  const [B, T] = k.shape as [number, number];
  const S = keys.shape[1] as number;
  const [places, behind] = [integers(offset), integers(next)];
  for (const [x, y] of [
    [k, keys],
    [v, values],
    [logGate, logGates],
  ] as const) {
    if (!x || !y || x.size === 0) continue;
    const row = x.size / (B * T);
    for (let b = 0; b < B; b++) {
      const place = places[b]!;
      const count = Math.min(T, S - place);
      if (place < 0 || count <= 0) continue;
      numbers(y).set(numbers(x).subarray(b * T * row, (b * T + count) * row), (b * S + place) * row);
    }
  }
  for (let b = 0; b < B; b++) behind[b] = places[b]! < 0 ? places[b]! : places[b]! + T;
};
