/** AdamW (arXiv 1711.05101) with gradient clipping by the global norm, over those parameters of a model that are trained. */

import type { Variable } from '@sympow/autograd';
import { requireSettings } from '@sympow/core';
import type { Backend, Tensor } from '@sympow/kernels';
import { adamwSettings } from './trainingSettings';

/** Options of {@link AdamW}. */
export interface AdamWOptions {
  /** Default 0.9 and 0.95. */
  readonly beta1?: number;
  readonly beta2?: number;
  /** Default 1e-8. */
  readonly eps?: number;
  /** On matrices only; default 0.1. */
  readonly weightDecay?: number;
  /** Largest global gradient norm; default 1, `Infinity` never clips. */
  readonly clip?: number;
}

/**
 * The optimizer with its moments, one pair per parameter and as large as they.
 *
 * @example
 * ```ts
 * import { textSource, trainingBatches } from '@sympow/data';
 * import { js } from '@sympow/kernels';
 * import { Model, modelConfig } from '@sympow/model';
 * import { AdamW, trainingStep } from '@sympow/training';
 * const backend = await js().open();
 * const model = Model.create(backend, modelConfig({ vocabSize: 256, hiddenSize: 16, layers: 1, heads: 2, headSize: 8 }));
 * const optimizer = new AdamW(backend, model.trained, model.decays, { weightDecay: 0.01 });
 * const batches = trainingBatches(textSource('to be or not to be '.repeat(20)), { batch: 4, context: 16 });
 * for (let step = 0; step < 3; step++) {
 *   const { loss, squaredNorm } = trainingStep(model, optimizer, [await batches.next()], 1e-3);
 *   console.log((await loss.read())[0]); // such as 5.6
 *   loss.dispose();
 *   squaredNorm.dispose();
 * }
 * ```
 */
export class AdamW {
  /** Moments by parameter name; those that take no gradient have none. */
  readonly moments: ReadonlyMap<string, { readonly m: Tensor; readonly v: Tensor }>;
  /** Updates done so far. */
  steps = 0;
  private readonly names: readonly string[];
  private readonly weights: readonly Tensor[];
  private readonly weightDecay: readonly number[];
  private readonly options: Required<AdamWOptions>;

  /** @throws ConfigError for options out of range */
  constructor(
    private readonly backend: Backend,
    parameters: ReadonlyMap<string, Variable>,
    decays: ReadonlyMap<string, boolean>,
    options: AdamWOptions = {},
  ) {
    this.options = adamwOptions(options);
    const { weightDecay } = this.options;
    const trained = [...parameters].filter(([, { requiresGradient }]) => requiresGradient);
    this.names = trained.map(([name]) => name);
    this.weights = trained.map(([, { value }]) => value);
    this.weightDecay = this.names.map((name) => (decays.get(name) ? weightDecay : 0));
    this.moments = backend.scope((keep) => {
      const zeros = ({ shape }: Tensor) => {
        const tensor = keep(backend.empty(shape));
        backend.kernels.fill({ value: 0, y: tensor });
        return tensor;
      };
      return new Map(this.names.map((name, i) => [name, { m: zeros(this.weights[i]!), v: zeros(this.weights[i]!) }]));
    });
  }

  /**
   * One update from the gradients of all parameters that take one, in their order. Returns their squared norm [1] before clipping, in the
   * scope at hand; where it is not finite, nothing was changed.
   */
  update(gradients: readonly Tensor[], learningRate: number): Tensor {
    const { beta1, beta2, eps, clip } = this.options;
    const moments = this.names.map((name) => this.moments.get(name)!);
    return this.backend.scope((keep) => {
      const { kernels } = this.backend;
      const squaredNorm = keep(this.backend.empty([1]));
      kernels.squaredNorm({ xs: gradients, y: squaredNorm });
      kernels.adamw({
        weights: this.weights,
        grads: gradients,
        m: moments.map(({ m }) => m),
        v: moments.map(({ v }) => v),
        weightDecay: this.weightDecay,
        learningRate,
        beta1,
        beta2,
        eps,
        step: this.steps + 1,
        clip,
        squaredNorm,
      });
      this.steps++;
      return squaredNorm;
    });
  }

  /** The moments by the names under which they are saved, `m.<parameter>` and `v.<parameter>`. */
  tensors(): Map<string, Tensor> {
    const named = [...this.moments].flatMap(([name, { m, v }]) => [
      [`m.${name}`, m] as const,
      [`v.${name}`, v] as const,
    ]);
    return new Map(named);
  }

  dispose(): void {
    for (const { m, v } of this.moments.values()) {
      m.dispose();
      v.dispose();
    }
  }
}

/** Options with their defaults. @throws ConfigError for options out of range */
export function adamwOptions(options: AdamWOptions): Required<AdamWOptions> {
  requireSettings(adamwSettings, { ...options });
  const usual = adamwSettings;
  const { beta1 = usual.beta1.default, beta2 = usual.beta2.default, eps = usual.eps.default } = options;
  const { weightDecay = usual.weightDecay.default, clip = usual.clip.default } = options;
  return { beta1, beta2, eps, weightDecay, clip };
}
