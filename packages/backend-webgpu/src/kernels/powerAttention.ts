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
      const { q, k, rowMax, dnum: dy, dden, dq, dk, dv, dA, gates, power } = args;
      if (rowMax.size === 0) return;
      q.backend.scope(() => {
        const prepared = prepare(machine, attention, rowMax.size)!;
        const { size } = rowMax;
        machine.launch('pack_rows', {
          tensors: { rowMax, dden, prepared },
          params: { size },
          groups: groupsOf256(size),
        });
        const read = { dy, prepared };
        attend(machine, attention, { name: 'attention_dq', rows: T, heads: H, width: d, tensors: { y: dq, ...read } });
        const width = Math.max(d, e);
        attend(machine, attention, { name: 'attention_dkv', rows: T, heads: G, width, tensors: { dk, dv, ...read } });
      });
      if (!dA || !gates) return;
      const vector = gates.start.shape.length === 4;
      const size = vector ? dA.size : B * T * G;
      machine.launch('power_gate_gradient', {
        flags: vector ? ['vector_gates'] : [],
        tensors: { q, k, dq, dk, dA },
        params: { size, d, shared_by: H / G, exponent: 1 / power },
        groups: vector ? groupsOf256(size) : Math.ceil(size / 16),
      });
    },
  };
}
