/** Softmax attention, rotary phases, and sums of gates and phases. */

import type { Kernels, SoftmaxAttentionArgs, Tensor } from '@sympow/kernels';
import { at, type Machine } from '../machine';

/** Queries of a block, and work space: as in assembly/softmaxAttention.ts. */
const blockRows = 64;
/** Queries and keys of a tile, rounded up. */
const tileRows = 320 + 16;
const [forwardSpace, backwardSpace] = [64 * 264 + 2048, 2 * 64 * 264 + 2048];

function sizes(args: Pick<SoftmaxAttentionArgs, 'q' | 'k' | 'v' | 'gates' | 'offset' | 'window'>) {
  const { q, k, v, gates, offset, window } = args;
  const [B, T, H, d] = q.shape as [number, number, number, number];
  const [, S, G] = k.shape as [number, number, number];
  // Gates of a token: none, one that is added to its scores, or those of its channels with or without one more.
  const width = gates ? (gates.start.shape[3] ?? -1) : 0;
  const list = [B, T, H, S, G, d, v.shape[3]!, at(offset), Math.min(S, window ?? S), width] as const;
  return { B, T, H, G, list, space: width > 0 ? tileRows * (3 * d + width) : 0 };
}

/** Phases that share a β: none without one, 1, or half a head. */
function pairsOf(beta: Tensor | undefined, turns: Tensor): number {
  return !beta ? 0 : beta.shape.length === 4 ? 1 : turns.shape[3]!;
}

export function attention(machine: Machine) {
  return {
    softmaxAttention(args) {
      const { B, T, H, list, space } = sizes(args);
      const { q, k, v, gates, y, logSum } = args;
      const tensors = [at(q), at(k), at(v), at(gates?.A), at(gates?.start), at(y), at(logSum)] as const;
      machine.run('softmaxAttention', B * H * Math.ceil(T / blockRows), forwardSpace + space, ...list, ...tensors);
    },
    softmaxAttentionBackward(args) {
      const { B, G, list, space } = sizes(args);
      const { q, k, v, gates, y, logSum, dy, dq, dk, dv, dA } = args;
      const inputs = [at(q), at(k), at(v), at(gates?.A), at(gates?.start), at(y), at(logSum), at(dy)] as const;
      machine.run(
        'softmaxAttentionBackward',
        B * G,
        backwardSpace + space,
        ...list,
        ...inputs,
        at(dq),
        at(dk),
        at(dv),
        at(dA),
      );
    },
    rotary({ x, turns, y }) {
      const [B, T, H, d] = x.shape as [number, number, number, number];
      const G = turns.shape[2]!;
      machine.run('rotary', B * T, 4 * G * d + 64, H, G, d, at(x), at(turns), at(y));
    },
    rotaryBackward({ x, turns, dy, dx, dturns }) {
      const [B, T, H, d] = x.shape as [number, number, number, number];
      const G = turns.shape[2]!;
      const tensors = [at(x), at(turns), at(dy), at(dx), at(dturns)] as const;
      machine.run('rotaryBackward', B * T, 4 * G * d + 64, H, G, d, ...tensors);
    },
    phaseSum({ beta, theta, thetaTail, phase, resume, turns, last }) {
      const [B, T] = turns.shape as [number, number];
      // prettier-ignore
      machine.whole(
        'phaseSum', 4 * theta.size + 64, B, T, theta.size, pairsOf(beta, turns),
        at(beta), at(theta), at(thetaTail), at(phase), at(resume), at(turns), at(last),
      );
    },
    phaseSumBackward({ beta, theta, dturns, dbeta, dtheta, dphase }) {
      const [B, T] = dturns.shape as [number, number];
      const tensors = [at(beta), at(theta), at(dturns), at(dbeta), at(dtheta), at(dphase)] as const;
      machine.whole('phaseSumBackward', 4 * theta.size + 64, B, T, theta.size, pairsOf(beta, dturns), ...tensors);
    },
    gateSum({ logGate, chunk, A, start }) {
      const [B, T] = logGate.shape as [number, number];
      if (logGate.size === 0) return;
      const columns = logGate.size / (B * T);
      machine.whole('gateSum', 3 * columns + 64, B, T, columns, chunk, at(logGate), at(A), at(start));
    },
    gateSumBackward({ dA, start, chunk, dlogGate }) {
      const [B, T] = dlogGate.shape as [number, number];
      if (dlogGate.size === 0) return;
      const columns = dlogGate.size / (B * T);
      machine.whole('gateSumBackward', 2 * columns + 64, B, T, columns, chunk, at(dA), at(start), at(dlogGate));
    },
  } satisfies Partial<Kernels>;
}
