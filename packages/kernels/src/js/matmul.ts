/** Batched matrix product with transposes, bias and accumulation. */

import type { Kernels } from '../api';
import { product, rowMajor, transpose } from './product';
import { floats, lastAxis } from './tensor';

export const matmul: Kernels['matmul'] = ({
  a,
  b,
  bias,
  transposeA = false,
  transposeB = false,
  accumulate = false,
  y,
}) => {
  const out = floats(y);
  const n = lastAxis(y);
  const m = y.shape.at(-2) ?? 1;
  const k = (transposeA ? a.shape.at(-2) : a.shape.at(-1)) ?? 1;
  const batch = m * n === 0 ? 0 : y.size / (m * n);
  const shared = b.shape.length === 2;
  // Rows of the whole batch in one product where b is shared: [batch·m, k] · [k, n].
  const merged = shared && !transposeA;
  const rows = merged ? batch * m : m;
  for (let z = 0; z < (merged ? Math.min(batch, 1) : batch); z++) {
    const left = transposeA ? transpose(rowMajor(floats(a), m, z * m * k)) : rowMajor(floats(a), k, z * m * k);
    const offset = shared ? 0 : z * k * n;
    const right = transposeB ? transpose(rowMajor(floats(b), k, offset)) : rowMajor(floats(b), n, offset);
    product(rows, n, k, left, right, rowMajor(out, n, z * m * n), accumulate);
  }
  if (!bias) return;
  const add = floats(bias);
  for (let at = 0; at < out.length; at += n) for (let j = 0; j < n; j++) out[at + j] = out[at + j]! + add[j]!;
};
