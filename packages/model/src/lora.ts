/** Low-rank adaptation (arXiv 2106.09685): x Wᵀ + s·x Aᵀ Bᵀ, of which A [r, in] and B [out, r] alone are trained, and s = α/r. */

import { addLinear, linear, type Tape, type Variable } from '@sympow/autograd';
import { ConfigError, requireKnownKeys, type KnownKeys } from '@sympow/kernels';
import { matrixSpec, type ParameterSpec } from '@sympow/recurrence';
import type { Adapter } from './adapter';
import type { Projection } from './api';
import { addMap } from './layers/input';
import { ATTENTION_PROJECTIONS, MLP_PROJECTIONS } from './layers/weights';
import { Model } from './model';

/** What {@link lora} makes. */
export interface LoraOptions {
  /** r: at least 1. */
  readonly rank: number;
  /** α, by which what is added is scaled as α/r; default r. */
  readonly alpha?: number;
  /** Which projections of every layer get an addition; default those of queries and values. */
  readonly targets?: readonly Projection[];
  /** Of the starting values of A; default 0. */
  readonly seed?: number;
}

const known: KnownKeys<LoraOptions> = { rank: true, alpha: true, targets: true, seed: true };
const projections: readonly Projection[] = [...ATTENTION_PROJECTIONS, ...MLP_PROJECTIONS];

/**
 * A model that computes with the weights of another and with low-rank additions of its own. It starts with the same results.
 * Trained, saved and disposed of are the additions alone; the model beneath stays as it is, and has to outlive this one.
 *
 * @throws ConfigError for options out of range, and for a model that is adapted already
 * @example
 * ```ts
 * import { js } from '@sympow/kernels';
 * import { lora, mergeAdapted, Model, modelConfig } from '@sympow/model';
 * const backend = await js().open();
 * const model = Model.create(backend, modelConfig({ vocabSize: 256, hiddenSize: 16, layers: 1, heads: 2, headSize: 8 }));
 * const tuned = lora(model, { rank: 2, targets: ['q_proj', 'v_proj'] });
 * console.log([...tuned.parameters.keys()].length); // 4
 * // train({ model: tuned, … }), saveModel(storage, tuned); and at last, in one piece again:
 * const whole = mergeAdapted(tuned);
 * ```
 */
export function lora(model: Model, options: LoraOptions): Model {
  requireKnownKeys('lora', options, known);
  return Model.adapt(model, lowRank(options), options.seed);
}

/** The adapter of {@link lora}. @throws ConfigError for options out of range */
export function lowRank({ rank, alpha = rank, targets = ['q_proj', 'v_proj'] }: LoraOptions): Adapter {
  if (!Number.isSafeInteger(rank) || rank < 1) {
    throw new ConfigError({ what: 'rank', value: rank, expected: 'a whole number of at least 1' });
  }
  if (typeof alpha !== 'number' || !(alpha > 0 && alpha < Infinity)) {
    throw new ConfigError({ what: 'alpha', value: alpha, expected: 'a number above 0' });
  }
  const given: readonly unknown[] = Array.isArray(targets) ? targets : [targets];
  const wrong = given.find((name) => !projections.includes(name as Projection));
  if (wrong !== undefined || given.length === 0) {
    throw new ConfigError({ what: 'targets', value: wrong ?? targets, expected: `some of ${projections.join(', ')}` });
  }
  const scale = alpha / rank;
  const isTarget = (name: string) => targets.some((target) => name.endsWith(`${partOf(target)}.${target}`));
  return {
    name: 'lora',
    says: 'low-rank additions to projections',
    settings: { rank, alpha, targets },
    parameters(specs) {
      const own = new Map<string, ParameterSpec>();
      for (const [weight, { shape }] of specs) {
        const name = weight.replace(/\.weight$/, '');
        if (name === weight || !isTarget(name)) continue;
        const [out, inputs] = shape as [number, number];
        own.set(`${name}.lora_A.weight`, matrixSpec(rank, inputs, { std: 1 / Math.sqrt(inputs) }));
        own.set(`${name}.lora_B.weight`, matrixSpec(out, rank, { value: 0 }));
      }
      return own;
    },
    constants: () => ({
      lora_scale: { shape: [rank, rank], values: Float64Array.from({ length: rank * rank }, scaled(rank, scale)) },
    }),
    wrap: ({ find, linear: plain }, own) => ({
      find,
      linear(name) {
        const map = plain(name);
        if (!isTarget(name)) return map;
        const [A, B, s] = [own(`${name}.lora_A.weight`), own(`${name}.lora_B.weight`), own('lora_scale')];
        const addition = (tape: Tape, sum: Variable, x: Variable) =>
          addLinear(tape, sum, linear(tape, linear(tape, x, A), s), { weight: B });
        return Object.assign((tape: Tape, x: Variable) => addition(tape, map(tape, x), x), {
          addTo: (tape: Tape, sum: Variable, x: Variable) => addition(tape, addMap(tape, sum, map, x), x),
        });
      },
    }),
    merge(backend, name, weight, own, y) {
      const { kernels } = backend;
      const projection = name.replace(/\.weight$/, '');
      if (!isTarget(projection)) return kernels.cast({ x: weight, y });
      const [A, B] = [own(`${projection}.lora_A.weight`), own(`${projection}.lora_B.weight`)];
      backend.scope(() => {
        const product = backend.empty(weight.shape);
        kernels.matmul({ a: B.value, b: A.value, y: product });
        kernels.add({ a: weight, b: product, scale, y });
      });
    },
  };
}

/** The elements of s·I. */
function scaled(rank: number, scale: number): (_: unknown, i: number) => number {
  return (_, i) => (i % (rank + 1) === 0 ? scale : 0);
}

function partOf(target: Projection): string {
  return (ATTENTION_PROJECTIONS as readonly string[]).includes(target) ? 'self_attn' : 'mlp';
}
