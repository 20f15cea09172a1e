/** Cross-entropy of each row against one target, in nats. */

import type { Kernels } from '../api';
import { floats, integers, lastAxis } from './tensor';

function logSumExp(x: ArrayLike<number>, at: number, n: number): number {
  let max = -Infinity;
  for (let i = 0; i < n; i++) max = Math.max(max, x[at + i]!);
  let sum = 0;
  for (let i = 0; i < n; i++) sum += Math.exp(x[at + i]! - max);
  return max + Math.log(sum);
}

export const crossEntropy: Kernels['crossEntropy'] = ({ logits, targets, loss }) => {
  const input = floats(logits);
  const out = floats(loss);
  const n = lastAxis(logits);
  integers(targets).forEach((target, row) => {
    if (target >= n) out[row] = NaN;
    else out[row] = target < 0 ? 0 : logSumExp(input, row * n, n) - input[row * n + target]!;
  });
};

export const crossEntropyBackward: Kernels['crossEntropyBackward'] = ({ logits, targets, dloss, dlogits }) => {
  const input = floats(logits);
  const out = floats(dlogits);
  const gradient = floats(dloss);
  const n = lastAxis(logits);
  integers(targets).forEach((target, row) => {
    const at = row * n;
    if (target < 0 || target >= n) {
      out.fill(target < 0 ? 0 : NaN, at, at + n);
      return;
    }
    const scale = gradient[row]!;
    const total = logSumExp(input, at, n);
    for (let i = 0; i < n; i++) out[at + i] = scale * (Math.exp(input[at + i]! - total) - (i === target ? 1 : 0));
  });
};
