/** Causal softmax attention with optional gates, forward and backward. */

import type { Kernels, SoftmaxAttentionArgs } from '@sympow/kernels';
import type { Machine } from '../machine';
import { attend, prepare, sizesOf, type Attention } from './attention';

type SoftmaxAttention = Pick<Kernels, 'softmaxAttention' | 'softmaxAttentionBackward'>;

function attentionOf({ q, k, v, gates, offset }: Omit<SoftmaxAttentionArgs, 'y' | 'logSum'>): Attention {
  const { T, S } = sizesOf({ q, k, v });
  return { q, k, v, gates, chunk: Math.max(T, S), offset: offset ?? S - T, score: 'softmax_score' };
}

export function softmaxAttention(machine: Machine): SoftmaxAttention {
  return {
    softmaxAttention(args) {
      const attention = attentionOf(args);
      const { T, H, e } = sizesOf(attention);
      const { y, logSum } = args;
      if (logSum.size === 0) return;
      args.q.backend.scope(() => {
        const tensors = { prepared: prepare(machine, attention, 0), y, logSum };
        attend(machine, attention, { name: 'attention', rows: T, heads: H, width: e, tensors });
      });
    },
    softmaxAttentionBackward(args) {
      const attention = attentionOf(args);
      const { T, S, H, G, d, e } = sizesOf(attention);
      const { q, y, logSum, dy, dq, dk, dv, dA } = args;
      q.backend.scope(() => {
        const rows = logSum.size;
        const prepared = prepare(machine, attention, Math.max(1, rows))!;
        machine.launch('row_products', {
          tensors: { y, dy, logSum, prepared },
          params: { rows, width: e },
          groups: Math.ceil(rows / 16),
        });
        const read = { dy, prepared };
        attend(machine, attention, { name: 'attention_dq', rows: T, heads: H, width: d, tensors: { ...read, y: dq } });
        const width = Math.max(d, e);
        const tensors = { ...read, dk, dv, dA };
        attend(machine, attention, { name: 'attention_dkv', rows: S, heads: G, width, tensors });
      });
    },
  };
}
