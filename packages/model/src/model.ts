/** The model, from tokens to logits, in the order in which the data flows. Its layers are in `layers/`. */

import {
  constant,
  crossEntropy,
  embedTokens,
  linearCrossEntropy,
  norm as normalise,
  parameter,
  sliceRows,
  type LinearCrossEntropyOptions,
  type NormParameters,
  type Tape,
  type Variable,
} from '@sympow/autograd';
import { ConfigError, requireKnownKeys, ShapeError, type Backend, type KnownKeys, type Tensor } from '@sympow/kernels';
import type { AttentionKind, ParameterSpec, Recurrence } from '@sympow/recurrence';
import type { Adapter } from './adapter';
import type { ComputeOptions, ModelConfig, PrecisionOptions, TrainableOptions } from './api';
import { requireConfig } from './config';
import { kindsOfLayers } from './kindsOfLayers';
import type { LayerMap } from './layers/attention';
import { block } from './layers/block';
import { layerInput } from './layers/input';
import { norm } from './layers/norm';
import { plainWeights, weightsOf, type LinearMap, type Weights } from './layers/weights';
import { emptyMemory, type ModelMemory } from './memory';
import { initialValues, parameterSpecs, requireWeights } from './parameters';
import { keptIn, precisionOf, rounded, type Precision } from './precision';
import { requireOpen } from './requireOpen';

/** What one pass over tokens needs beside them. */
export interface ForwardOptions {
  /** Goes on from a stream's memory and moves it on; without it the tokens begin a sequence. */
  readonly memory?: ModelMemory | undefined;
  /**
   * With a memory: how many of its T tokens each row has, 0 to T; all of them where absent. What stands behind them is padding,
   * which moves no memory.
   */
  readonly lengths?: readonly number[] | undefined;
  /** [B, T] int32, not 0 where a document begins. */
  readonly reset?: Tensor | undefined;
  /** Logits for the last token of each row only. */
  readonly lastOnly?: boolean;
}

/** How a model computes, which of its weights are trained, and what they are kept in. */
type Options = ComputeOptions & TrainableOptions & PrecisionOptions;

type Values = (name: string, spec: ParameterSpec) => ArrayLike<number>;

const knownOfCreate: KnownKeys<{ seed?: number } & Options> = {
  ...{ seed: true, form: true, chunk: true, trainable: true, precision: true },
};

/**
 * A model on a backend. Its parameters are the backend's memory until `dispose`.
 *
 * @example
 * ```ts
 * import { Tape } from '@sympow/autograd';
 * import { js } from '@sympow/kernels';
 * import { Model, modelConfig } from '@sympow/model';
 * const backend = await js().open();
 * const shape = { vocabSize: 256, hiddenSize: 16, layers: 1, heads: 2, headSize: 8 };
 * const model = Model.create(backend, modelConfig(shape), { seed: 1 });
 * const tokens = backend.upload(Int32Array.of(72, 105, 33), [1, 3]);
 * const tape = new Tape(backend, { record: false }); // one that records is for training
 * const logits = backend.scope((keep) => keep(model.forward(tape, tokens).value));
 * console.log(logits.shape); // [ 1, 3, 256 ]
 * model.dispose();
 * ```
 */
export class Model {
  /** By name, in the order of the data: what a checkpoint holds. */
  readonly parameters: ReadonlyMap<string, Variable>;
  /** Whether AdamW's weight decay applies to a parameter. */
  readonly decays: ReadonlyMap<string, boolean>;
  /** How each layer attends. */
  readonly recurrences: readonly Recurrence[];
  readonly compute: ComputeOptions;
  /** What matrices are multiplied and kept in. */
  readonly precision: Precision;
  /** Numbers that are not trained, by name: this model's own, and those of the one that it adapts. */
  private readonly constants = new Map<string, Variable>();
  private readonly ownConstants: Tensor[] = [];
  private readonly embedding: Variable;
  private readonly embeddingNorm: LinearMap | undefined;
  private readonly blocks: readonly LayerMap[];
  private readonly norm: NormParameters;
  private readonly head: LinearMap;

  private constructor(
    readonly backend: Backend,
    readonly config: ModelConfig,
    values: Values | undefined,
    { trainable = () => true, precision, ...compute }: Options,
    /** What wraps the weights of another model, if this one is made of those. */
    readonly adapted?: { readonly base: Model; readonly adapter: Adapter },
  ) {
    requireOpen(backend);
    requireConfig(config);
    this.compute = compute;
    this.precision = adapted ? adapted.base.precision : precisionOf({ precision });
    const specs = adapted ? adapted.adapter.parameters(parameterSpecs(config)) : parameterSpecs(config);
    const kinds = new Map<AttentionKind, Recurrence>();
    const kindOfLayer = kindsOfLayers(config);
    this.recurrences = kindOfLayer.map((kind) => {
      const recurrence = kinds.get(kind) ?? kind.make(config, compute);
      kinds.set(kind, recurrence);
      return recurrence;
    });
    this.decays = new Map([...specs].map(([name, { decays }]) => [name, decays]));
    const parameters = new Map<string, Variable>();
    this.parameters = parameters;
    for (const [name, value] of adapted?.base.constants ?? []) this.constants.set(name, value);
    backend.scope((keep) => {
      for (const [name, spec] of specs) {
        // What an adapter adds is trained.
        const half = adapted ? undefined : keptIn(this.precision, spec);
        const tensor = keep(backend.empty(spec.shape, half));
        if (values) backend.write(tensor, values(name, spec) as Float32Array);
        parameters.set(name, (spec.trained !== false && !half && trainable(name) ? parameter : constant)(tensor));
      }
      for (const entry of adapted ? [adapted.adapter] : [config.gate, config.rotary]) {
        for (const [name, { shape, values }] of Object.entries(entry.constants?.(config, backend) ?? {})) {
          const tensor = keep(backend.upload(Float64Array.from(values), shape));
          this.ownConstants.push(tensor);
          this.constants.set(name, constant(tensor));
        }
      }
    });
    const weights = this.weights();
    this.embedding = weights.find('model.embed_tokens.weight')!;
    this.embeddingNorm = config.embeddingNorm ? norm.make(config, weightsOf('model.embed_norm', weights)) : undefined;
    this.blocks = this.recurrences.map((recurrence, layer) => {
      const parts = { kind: kindOfLayer[layer]!, recurrence, constants: this.constants };
      return block.make(config, weightsOf(`model.layers.${layer}`, weights), parts);
    });
    this.norm = norm.of(config, weightsOf('model.norm', weights));
    this.head = weights.linear(config.tieEmbeddings ? 'model.embed_tokens' : 'lm_head');
  }

  /** What the layers are made of. */
  private weights(): Weights {
    if (!this.adapted)
      return rounded(
        plainWeights((name) => this.parameters.get(name)),
        this.precision,
      );
    const { base, adapter } = this.adapted;
    const plain = plainWeights((name) => {
      const found = base.parameters.get(name);
      return found && constant(found.value);
    });
    const frozen = rounded(plain, this.precision);
    return adapter.wrap(frozen, (name) => (this.parameters.get(name) ?? this.constants.get(name))!);
  }

  /** The parameters that are trained: an optimizer needs gradients and moments for these alone. */
  get trained(): ReadonlyMap<string, Variable> {
    return new Map([...this.parameters].filter(([, { requiresGradient }]) => requiresGradient));
  }

  /**
   * A model with fresh weights: the same for the same configuration and seed on every backend.
   *
   * @throws ConfigError for a backend that is not open, a configuration that `modelConfig` has not completed, or an option
   * that there is not
   */
  static create(backend: Backend, config: ModelConfig, options: { seed?: number } & Options = {}): Model {
    requireKnownKeys('Model.create', options, knownOfCreate);
    const { seed = 0, ...rest } = options;
    return new Model(backend, config, (name, spec) => initialValues(name, spec, seed), rest);
  }

  /** A model whose weights are undefined until they are written, for what reads them from elsewhere piece by piece. */
  static blank(backend: Backend, config: ModelConfig, options: Options = {}): Model {
    return new Model(backend, config, undefined, options);
  }

  /**
   * A model with given weights, by name.
   *
   * @throws CheckpointError for a weight that is missing or of another size, or for one that the model does not have
   */
  static fromWeights(
    backend: Backend,
    config: ModelConfig,
    weights: ReadonlyMap<string, ArrayLike<number>>,
    options: Options = {},
  ): Model {
    requireWeights(parameterSpecs(config), weights);
    return new Model(backend, config, (name) => weights.get(name)!, options);
  }

  /**
   * A model made of the weights of another, wrapped from outside. Its parameters are the adapter's alone. The other's stay
   * where they are, are not trained through it, and have to outlive it.
   */
  static adapt(base: Model, adapter: Adapter, seed = 0): Model {
    if (base.adapted) {
      const remedy = 'Merge it first, with mergeAdapted.';
      throw new ConfigError({ what: 'the model', value: 'adapted already', expected: 'one that is not', remedy });
    }
    const values: Values = (name, spec) => initialValues(name, spec, seed);
    return new Model(base.backend, base.config, values, base.compute, { base, adapter });
  }

  /** An empty memory for B streams side by side. */
  memory(B = 1): ModelMemory {
    return emptyMemory(this, B);
  }

  /**
   * Logits [B, T, V] for tokens [B, T] int32 ([B, 1, V] with `lastOnly`).
   *
   * @throws ShapeError for tokens that are not [B, T] with T ≥ 1
   */
  forward(tape: Tape, tokens: Tensor, options: ForwardOptions = {}): Variable {
    return tape.attempt(() => {
      const x = this.read(tape, tokens, options);
      const { h, made } = layerInput(tape, x, this.norm, [this.head.plain]);
      return made[0] ?? this.head(tape, h);
    });
  }

  /** What the last norm reads: the last layer's output. */
  private read(tape: Tape, tokens: Tensor, options: ForwardOptions): Variable {
    const { memory, lengths, reset, lastOnly = false } = options;
    if (tokens.shape.length !== 2 || tokens.size === 0) {
      const expected = '[B, T] with T of at least 1';
      throw new ShapeError({ what: 'shape of the tokens', value: tokens.shape, expected });
    }
    let x = embedTokens(tape, tokens, this.embedding);
    if (this.embeddingNorm) x = this.embeddingNorm(tape, x);
    this.blocks.forEach((block, layer) => {
      const input = x;
      x = tape.block((keep) => keep(block(tape, input, { memory: memory?.layers[layer], lengths, reset })));
    });
    return lastOnly ? lastOfRows(tape, x, memory ? lengths : undefined) : x;
  }

  /**
   * Cross-entropy of every token in nats [B, T]; 0 where the target is negative. Logits are never there for all tokens at once,
   * unless a head is wrapped from outside. `gradient` is that of the losses, [B, T], where it is known beforehand.
   */
  loss(
    tape: Tape,
    tokens: Tensor,
    targets: Tensor,
    { gradient, ...options }: ForwardOptions & LinearCrossEntropyOptions = {},
  ): Variable {
    return tape.attempt(() => {
      const x = normalise(tape, this.read(tape, tokens, options), this.norm);
      const { plain } = this.head;
      if (!plain) return crossEntropy(tape, this.head(tape, x), targets);
      return linearCrossEntropy(tape, x, plain.weight, plain.bias, targets, { gradient });
    });
  }

  /** Gives the parameters back to the backend; those of a model that this one adapts stay. */
  dispose(): void {
    for (const { value } of this.parameters.values()) value.dispose();
    for (const tensor of this.ownConstants) tensor.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** The last token of each row [B, 1, n] of x [B, T, n]: behind its own length where rows have one, its first where that is 0. */
function lastOfRows(tape: Tape, x: Variable, lengths: readonly number[] | undefined): Variable {
  const [B, T, n] = x.value.shape as [number, number, number];
  if (T === 1) return x;
  if (!lengths) return sliceRows(tape, x, T - 1, 1);
  const y = tape.result([B, 1, n], []);
  tape.backend.scope(() => {
    const [from, to] = [tape.backend.view(x.value, [1, B * T, n]), tape.backend.view(y.value, [1, B, n])];
    for (const [row, length] of lengths.entries()) {
      tape.kernels.copyBlock({ x: from, from: row * T + Math.max(0, length - 1), to: row, count: 1, y: to });
    }
  });
  return y;
}
