/** One model in training on one batch, as the trainer does it: loss, gradients, clipping, AdamW. */

import { Tape, type Variable } from '@sympow/autograd';
import type { Backend, Tensor } from '@sympow/kernels';
import {
  initialValues,
  Model,
  modelConfig,
  parameterSpecs,
  variants,
  type ModelConfig,
  type Variant,
} from '@sympow/model';
import { AdamW } from '@sympow/training';
import { normals, tokens } from './numbers';

/** The model of the comparisons: width 128, 4 heads of 32, bytes. */
export function smallModel(variant: Variant, layers: number): ModelConfig {
  return modelConfig({ ...variants[variant], vocabSize: 256, hiddenSize: 128, layers, heads: 4, headSize: 32 });
}

export const settings = { learningRate: 1e-3, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1, clip: 1 };

export interface Batch {
  readonly B: number;
  readonly T: number;
}

/** What is trained in the comparisons. */
export function trainingSizes(quick: boolean): { layers: number } & Batch {
  return quick ? { layers: 2, B: 1, T: 128 } : { layers: 4, B: 8, T: 256 };
}

/** A batch of random text, [B·T] each. */
export function batchOf({ B, T }: Batch, vocabulary: number): { inputs: Int32Array; targets: Int32Array } {
  return { inputs: tokens('inputs', B * T, vocabulary), targets: tokens('targets', B * T, vocabulary) };
}

export type Weights = ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array }>;

/**
 * Where a model starts, by name: as large as after some training, so that gates, phases and activations leave the ranges in
 * which a mistake in them would not be seen.
 */
export function weightsOf(config: ModelConfig): Weights {
  const specs = [...parameterSpecs(config)];
  return new Map(
    specs.map(([name, spec]) => {
      const data = initialValues(name, spec, 1);
      if (name.includes('beta_proj')) data.set(normals(name, data.length, 0.05));
      else if (spec.decays) data.forEach((value, i) => (data[i] = 3 * value));
      return [name, { shape: spec.shape, data }];
    }),
  );
}

/** A model with {@link weightsOf} its configuration. */
export function modelOf(backend: Backend, config: ModelConfig): Model {
  return Model.fromWeights(backend, config, new Map([...weightsOf(config)].map(([name, { data }]) => [name, data])));
}

export class Training {
  readonly model: Model;
  private readonly optimizer: AdamW;
  private readonly inputs: Tensor;
  private readonly targets: Tensor;
  private readonly mean: Tensor;

  constructor(
    private readonly backend: Backend,
    config: ModelConfig,
    { B, T }: Batch,
  ) {
    const { inputs, targets } = batchOf({ B, T }, config.vocabSize);
    this.model = modelOf(backend, config);
    this.optimizer = new AdamW(backend, this.model.parameters, this.model.decays, settings);
    this.inputs = backend.upload(inputs, [B, T]);
    this.targets = backend.upload(targets, [B, T]);
    this.mean = backend.upload(new Float32Array(B * T).fill(1 / (B * T)), [B, T]);
  }

  /** One update; enqueued, not awaited. */
  step(): void {
    this.backend.scope(() => {
      const { tape } = this.pass();
      this.optimizer.update(
        [...this.model.parameters.values()].map((parameter) => tape.gradientOrZero(parameter)),
        settings.learningRate,
      );
    });
  }

  settle(): Promise<void> {
    return this.backend.finish();
  }

  /** Loss and gradients at the weights of the moment. */
  async look(): Promise<{ loss: number; gradients: Map<string, ArrayLike<number>> }> {
    const { losses, gradients } = this.backend.scope((keep) => {
      const { tape, losses } = this.pass();
      const kept = [...this.model.parameters].map(
        ([name, variable]) => [name, keep(tape.gradientOrZero(variable))] as const,
      );
      return { losses: keep(losses.value), gradients: kept };
    });
    const read = new Map<string, ArrayLike<number>>();
    for (const [name, gradient] of gradients) {
      read.set(name, await gradient.read());
      gradient.dispose();
    }
    const values = Array.from(await losses.read());
    losses.dispose();
    return { loss: values.reduce((a, b) => a + b, 0) / values.length, gradients: read };
  }

  private pass(): { tape: Tape; losses: Variable } {
    const tape = new Tape(this.backend);
    const losses = tape.keep(this.model.loss(tape, this.inputs, this.targets, { gradient: this.mean }));
    tape.backward([[losses, this.mean]]);
    return { tape, losses };
  }

  dispose(): void {
    this.model.dispose();
    this.optimizer.dispose();
    for (const tensor of [this.inputs, this.targets, this.mean]) tensor.dispose();
  }
}
