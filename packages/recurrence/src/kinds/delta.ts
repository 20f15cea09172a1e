import { add, linear, onePlusTanh, reshape, type Variable } from '@sympow/autograd';
import { deltaChunk, deltaRecurrence } from '../deltaRecurrence';
import { matrixSpec, vectorSpec } from '../layerEntry';
import type { AttentionKind } from './api';

/** What a delta layer does beyond the rule itself. */
export interface DeltaKindOptions {
  /** b from 0 to 2 in place of 0 to 1: a layer may turn round what it has written (arXiv 2411.12537). */
  readonly negative?: boolean;
  /** Answers go through RMS norm and are multiplied by SiLU of a gate, one per number, from the layer's input. */
  readonly gated?: boolean;
}

/** The gated delta rule (arXiv 2412.06464): what a key's place held is replaced, not added to. */
export function deltaKind({ negative = false, gated = false }: DeltaKindOptions = {}): AttentionKind {
  const kind: AttentionKind = {
    name: `delta${negative ? '-negative' : ''}${gated ? '-gated' : ''}`,
    says: `replaces what a key’s place held${negative ? ', or turns it round' : ''}${gated ? ', gates its answers' : ''}, with a small state of constant size`,
    grows: false,
    parameters: ({ heads: H, keyValueHeads: G, headSize: d, hiddenSize, initStd: std }) => ({
      'b_proj.weight': matrixSpec(G, hiddenSize, { std }),
      ...(gated && {
        'g_proj.weight': matrixSpec(H * d, hiddenSize, { std }),
        'o_norm.weight': vectorSpec(d, { value: 1 }),
      }),
    }),
    inputs(tape, h, weight, { heads: H, headSize: d }): Readonly<Record<string, Variable>> {
      // 2·sigmoid(x) = 1 + tanh(x/2)
      const x = linear(tape, h, weight('b_proj.weight')); // [B, T, G]
      const twice = onePlusTanh(tape, add(tape, x, x, -0.5));
      const b = negative ? twice : add(tape, twice, twice, -0.5);
      if (!gated) return { b };
      const [B, T] = h.value.shape as [number, number];
      const gate = reshape(tape, linear(tape, h, weight('g_proj.weight')), [B, T, H, d]);
      return { b, gate, norm: weight('o_norm.weight') };
    },
    make: (_settings, compute) => deltaRecurrence(compute),
    stateTensor: ({ keyValueHeads: G, headSize: d }) => G * d * d,
    streamFlops: ({ keyValueHeads: G, heads: H, headSize: d }) => 2 * d * d * (2 * G + H),
    sequenceFlops(settings, length, { form, chunk } = {}) {
      const { keyValueHeads: G, heads: H, headSize: d } = settings;
      const seen = form === 'recurrent' ? 0 : form === 'attention' ? length : Math.min(chunk ?? deltaChunk, length);
      return (G + H) * seen * (d + d) + kind.streamFlops(settings, length);
    },
    tapeFloats({ keyValueHeads: G, heads: H, headSize: d }, length, { form, chunk = deltaChunk } = {}) {
      // Queries and keys of length 1, what is written, and the states of every token.
      if (form === 'recurrent') return length * (d * (2 * H + 3 * G) + 3 * G * d * d);
      const C = Math.max(1, Math.min(form === 'attention' ? length : chunk, length));
      const levels = Math.ceil(Math.log2(C));
      // Of a token: rows of keys and values on their way through both solutions; C×C scores, and inverses of blocks that double; and
      // of a chunk all states that it is made of.
      const rows = d * (2 * H + 16 * G);
      const scores = C * (G * (4 * levels + 5) + levels + 1);
      return length * (rows + scores) + Math.ceil(length / C) * 11 * G * d * d;
    },
  };
  return kind;
}

/** The rule alone, and with each of its options. */
export const deltas: readonly AttentionKind[] = [false, true].flatMap((gated) =>
  [false, true].map((negative) => deltaKind({ negative, gated })),
);
