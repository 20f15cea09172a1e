/** Attention inside each chunk with scores (q·k)^p, forward and backward. */

import type { Kernels, PowerAttentionArgs } from '@sympow/kernels';
import type { Machine } from '../machine';
import { groupsOf256 } from './arithmetic';
import { attend, prepare, sizesOf, type Attention } from './attention';

type PowerAttention = Pick<Kernels, 'powerAttention' | 'powerAttentionBackward'>;

function attentionOf({ q, k, v, gates, power, chunk }: Omit<PowerAttentionArgs, 'num' | 'den' | 'rowMax'>): Attention {
  return { q, k, v, gates, chunk, score: 'power_score', constants: { power } };
}

export function powerAttention(machine: Machine): PowerAttention {
  return {
    powerAttention(args) {
      const attention = attentionOf(args);
      const { T, H, e } = sizesOf(attention);
      const { num: y, den, rowMax } = args;
      if (rowMax.size === 0) return;
      args.q.backend.scope(() => {
        const tensors = { prepared: prepare(machine, attention, 0), y, den, rowMax };
        attend(machine, attention, { name: 'attention', rows: T, heads: H, width: e, tensors });
      });
    },
    powerAttentionBackward(args) {
      const attention = attentionOf(args);
      const { B, T, H, G, d, e } = sizesOf(attention);
      const { q, k, rowMax, dnum: dy, dden, dq, dk, dv, dA, gates } = args;
      const byToken = gates?.start.shape.length === 3 && dA !== undefined;
      if (rowMax.size === 0) return;
      q.backend.scope(() => {
        const prepared = prepare(machine, attention, rowMax.size)!;
        const { size } = rowMax;
        machine.launch('pack_rows', {
          tensors: { rowMax, dden, prepared },
          params: { size },
          groups: groupsOf256(size),
        });
        const row_totals = byToken ? q.backend.empty([B, T, H]) : undefined;
        const ofQueries = { dy, prepared, row_totals, y: dq };
        attend(machine, attention, { name: 'attention_dq', rows: T, heads: H, width: d, tensors: ofQueries });
        const ofKeys = { dy, prepared, dk, dv, dA: byToken ? dA : undefined };
        attend(machine, attention, {
          name: 'attention_dkv',
          rows: T,
          heads: G,
          width: Math.max(d, e),
          tensors: ofKeys,
        });
        if (!dA || !gates) return;
        machine.launch('power_gate_gradient', {
          flags: byToken ? [] : ['vector_gates'],
          tensors: byToken ? { row_totals, dA } : { q, k, dq, dk, dA },
          params: { size: dA.size, d, shared_by: H / G },
          groups: groupsOf256(dA.size),
        });
      });
    },
  };
}
