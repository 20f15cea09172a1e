/** Cross-entropy of each row against one target, in nats. */

import { floats, integers, lastAxis } from '../js/tensor';
import type { Tensor } from '../tensor';
import type { Entry } from './entry';

/** What `crossEntropy` reads, is told and writes; its entry has the formula. */
export interface CrossEntropyArgs {
  /** [rows…, V] */
  logits: Tensor;
  /** [rows…] int32 */
  targets: Tensor;

  /** [rows…] in nats: 0 where the target is negative, NaN where it is V or more. */
  loss: Tensor;
}

/** What `crossEntropyBackward` reads, is told and writes; its entry has the formula. */
export interface CrossEntropyBackwardArgs {
  logits: Tensor;
  targets: Tensor;
  dloss: Tensor;

  dlogits: Tensor;
}

/** loss[r] = −log softmax(logits[r])[targets[r]], 0 where the target is negative. */
export const crossEntropy: Entry<CrossEntropyArgs> = {
  reads: { logits: '… V', targets: '…' },
  writes: { loss: '…' },
  integers: ['targets'],
  wide: ['loss'],
  roundings: 64,
};

/** The gradient of crossEntropy. */
export const crossEntropyBackward: Entry<CrossEntropyBackwardArgs> = {
  reads: { logits: '… V', targets: '…', dloss: '…' },
  writes: { dlogits: '… V' },
  integers: ['targets'],
  wide: ['dloss'],
  roundings: 64,
};

/** What they mean; the `js` backend runs it. */
export const crossEntropyJs = {
  crossEntropy: forward,
  crossEntropyBackward: backward,
};

export function logSumExp(x: ArrayLike<number>, at: number, n: number): number {
  let max = -Infinity;
  for (let i = 0; i < n; i++) max = Math.max(max, x[at + i]!);
  let sum = 0;
  for (let i = 0; i < n; i++) sum += Math.exp(x[at + i]! - max);
  return max + Math.log(sum);
}

function forward({ logits, targets, loss }: CrossEntropyArgs): void {
  const input = floats(logits);
  const out = floats(loss);
  const n = lastAxis(logits);
  integers(targets).forEach((target, row) => {
    if (target >= n) out[row] = NaN;
    else out[row] = target < 0 ? 0 : logSumExp(input, row * n, n) - input[row * n + target]!;
  });
}

function backward({ logits, targets, dloss, dlogits }: CrossEntropyBackwardArgs): void {
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
}
