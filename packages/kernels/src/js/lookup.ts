/** Token embedding: rows of a table by their number. */

import type { Kernels } from '../api';
import { floats, integers, lastAxis } from './tensor';

export const embed: Kernels['embed'] = ({ ids, weight, y }) => {
  const table = floats(weight);
  const out = floats(y);
  const n = lastAxis(weight);
  const count = weight.shape[0] as number;
  integers(ids).forEach((id, row) => {
    if (id >= 0 && id < count) out.set(table.subarray(id * n, (id + 1) * n), row * n);
    else out.fill(NaN, row * n, (row + 1) * n);
  });
};

export const embedBackward: Kernels['embedBackward'] = ({ ids, dy, dweight }) => {
  const gradient = floats(dy);
  const out = floats(dweight);
  const n = lastAxis(dweight);
  const sums = new Float64Array(out.length);
  const count = dweight.shape[0] as number;
  integers(ids).forEach((id, row) => {
    if (id < 0 || id >= count) return;
    for (let i = 0; i < n; i++) sums[id * n + i] = sums[id * n + i]! + gradient[row * n + i]!;
  });
  out.set(sums);
};
