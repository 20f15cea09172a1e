/** Causal softmax attention with optional gates, forward and backward. */

import type { GateSums, Kernels, SoftmaxAttentionArgs, Tensor } from '@sympow/kernels';
import type { Machine } from '../machine';
import { groupsOf256 } from './arithmetic';
import { attend, prepare, sizesOf, type Attention } from './attention';

/** Queries up to which every one has workgroups of its own, with shares of the keys: a tile would be nearly empty. */
const fewQueries = 8;
/** Keys to a workgroup then. */
const span = 256;

type SoftmaxAttention = Pick<Kernels, 'softmaxAttention' | 'softmaxAttentionBackward'>;

function attentionOf({ q, k, v, gates, offset, window }: Omit<SoftmaxAttentionArgs, 'y' | 'logSum'>): Attention {
  const { T, S } = sizesOf({ q, k, v });
  return { q, k, v, gates, chunk: Math.max(T, S), offset, window, score: 'softmax_score' };
}

const isByChannel = (gates: GateSums | undefined): boolean => gates?.start.shape.length === 4;

/** Whether gates are added to scores and whether they decay channels. */
function partFlags(gates: GateSums | undefined, d: number): string[] {
  if (!gates) return [];
  const channels = isByChannel(gates);
  return [...(channels ? ['channels'] : []), ...(!channels || gates.start.shape[3]! > d ? ['gates'] : [])];
}

function attendOneByOne(machine: Machine, attention: Attention, y: Tensor, logSum: Tensor): void {
  const { q, k, v, gates, offset, window = Infinity } = attention;
  const { T, S, H, G, d, e } = sizesOf(attention);
  // A window that does not begin where a span does reaches into one more.
  const spans = Math.ceil(Math.min(S, window + span - 1) / span);
  const rows = logSum.size;
  const part = q.backend.empty([rows * spans, e + 2]);
  machine.launch('attention_part', {
    flags: [...partFlags(gates, d), ...(d % 4 === 0 && !isByChannel(gates) ? ['wide'] : [])],
    constants: { span, lanes: Math.min(256, Math.max(4, 2 ** Math.ceil(Math.log2(e)))) },
    tensors: { q, k, v, A: gates?.A, start: gates?.start, offset, part },
    params: {
      queries: T,
      keys: S,
      heads: H,
      key_heads: G,
      d,
      e,
      spans,
      window: Math.min(S, window),
      plane: gates?.start.size ?? 0,
      gate_width: gates?.start.shape[3] ?? 1,
      scale: 1 / Math.sqrt(d),
    },
    groups: rows * spans,
  });
  machine.launch('attention_whole', { tensors: { part, y, logSum }, params: { e, spans }, groups: rows });
}

export function softmaxAttention(machine: Machine): SoftmaxAttention {
  return {
    softmaxAttention(args) {
      const attention = attentionOf(args);
      const { T, S, H, e } = sizesOf(attention);
      const { y, logSum } = args;
      if (logSum.size === 0) return;
      args.q.backend.scope(() => {
        // Blocks of queries whose keys are decayed by channel have to begin where blocks of keys do.
        const apart = isByChannel(args.gates) && (args.offset !== undefined || S !== T);
        if (T <= fewQueries || apart) {
          attendOneByOne(machine, attention, y, logSum);
          return;
        }
        const tensors = { prepared: prepare(machine, attention, 0), y, logSum };
        attend(machine, attention, { name: 'attention', rows: T, heads: H, width: e, tensors });
      });
    },
    softmaxAttentionBackward(args) {
      const attention = attentionOf(args);
      const { B, T, S, H, G, d, e } = sizesOf(attention);
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
        attend(machine, attention, { name: 'attention_dq', rows: T, heads: H, width: d, tensors: { y: dq, ...read } });
        const width = Math.max(d, e);
        const channels = isByChannel(args.gates) ? args.gates!.start.shape[3]! : 0;
        const added = channels > d ? q.backend.empty([B, S, G]) : undefined;
        const tensors = { dk, dv, dA: channels > 0 ? added : dA, ...read };
        attend(machine, attention, { name: 'attention_dkv', rows: S, heads: G, width, tensors });
        if (channels === 0 || !dA) return;
        machine.launch('channel_gate_gradient', {
          tensors: { q, k: args.k, dq, dk, added, dA },
          params: { size: dA.size, d, shared_by: H / G, width: channels },
          groups: groupsOf256(dA.size),
        });
      });
    },
  };
}
