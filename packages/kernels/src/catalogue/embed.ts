/** Token embedding: rows of a table by their number. */

import { floats, integers, lastAxis } from '../js/tensor';
import type { Tensor } from '../tensor';
import type { Entry } from './entry';

/** What `embed` reads, is told and writes; its entry has the formula. */
export interface EmbedArgs {
  /** [rows…] int32 in [0, V); ids out of range give NaN rows. */
  ids: Tensor;
  /** [V, n] */
  weight: Tensor;

  /** [rows…, n] */
  y: Tensor;
}

/** What `embedBackward` reads, is told and writes; its entry has the formula. */
export interface EmbedBackwardArgs {
  ids: Tensor;
  dy: Tensor;

  /** 0 for ids that do not occur. */
  dweight: Tensor;
}

/** y[r, :] = weight[ids[r], :]. */
export const embed: Entry<EmbedArgs> = {
  reads: { ids: '…', weight: 'V n' },
  writes: { y: '… n' },
  integers: ['ids'],
  roundings: 0,
};

/** The gradient of embed. */
export const embedBackward: Entry<EmbedBackwardArgs> = {
  reads: { ids: '…', dy: '… n' },
  writes: { dweight: 'V n' },
  integers: ['ids'],
  roundings: 64,
};

/** What they mean; the `js` backend runs it. */
export const embedJs = {
  embed: forward,
  embedBackward: backward,
};

function forward({ ids, weight, y }: EmbedArgs): void {
  const table = floats(weight);
  const out = floats(y);
  const n = lastAxis(weight);
  const count = weight.shape[0] as number;
  integers(ids).forEach((id, row) => {
    if (id >= 0 && id < count) out.set(table.subarray(id * n, (id + 1) * n), row * n);
    else out.fill(NaN, row * n, (row + 1) * n);
  });
}

function backward({ ids, dy, dweight }: EmbedBackwardArgs): void {
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
}
