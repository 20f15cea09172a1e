/** What the gradients of queries and keys say about the sums of their gates. */

import type { Tensor } from '@sympow/kernels';
import type { Machine } from '../machine';
import type { Floats, Sized } from '../program';
import type { Gates } from './decay';

/** Grid [width, T·G, B]: what queries say about A, less what keys do. */
function gateGradient(
  this: Sized<'T' | 'H' | 'G' | 'd' | 'vector' | 'root' | 'keyed'>,
  q: Floats,
  dq: Floats,
  k: Floats,
  dk: Floats,
): number {
  const t = Math.floor((this.thread.y + 0.5) / this.constants.G);
  const g = this.thread.y - t * this.constants.G;
  const perGroup = Math.floor((this.constants.H + 0.5) / this.constants.G);
  const key = (this.thread.z * this.constants.T * this.constants.G + this.thread.y) * this.constants.d;
  let sum = 0;
  for (let h = g * perGroup; h < (g + 1) * perGroup; h++) {
    const query = ((this.thread.z * this.constants.T + t) * this.constants.H + h) * this.constants.d;
    if (this.constants.vector > 0) {
      if (dq[query + this.thread.x]! !== 0) sum += q[query + this.thread.x]! * dq[query + this.thread.x]!;
    } else {
      for (let i = 0; i < this.constants.d; i++) {
        if (dq[query + i]! !== 0) sum += q[query + i]! * dq[query + i]!;
      }
    }
  }
  if (this.constants.keyed > 0) {
    if (this.constants.vector > 0) {
      sum -= k[key + this.thread.x]! * dk[key + this.thread.x]!;
    } else {
      for (let i = 0; i < this.constants.d; i++) sum -= k[key + i]! * dk[key + i]!;
    }
  }
  return sum * this.constants.root;
}

/** dA from the gradients of queries and, where they have a part in it, of keys. */
export function writeGateGradient(
  machine: Machine,
  dA: Tensor,
  gates: Gates,
  q: Tensor,
  dq: Tensor,
  keys?: { k: Tensor; dk: Tensor },
): void {
  const [B, T, H, d] = q.shape as [number, number, number, number];
  const G = dA.shape[2]!;
  const { vector, root, width } = gates;
  const constants = { T, H, G, d, vector, root, keyed: keys ? 1 : 0 };
  const { k, dk } = keys ?? { k: machine.none, dk: machine.none };
  machine.write(dA, gateGradient, [width, T * G, B], constants, q, dq, k, dk);
}
