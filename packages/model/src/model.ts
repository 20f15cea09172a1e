/** The model, from tokens to logits, in the order in which the data flows. */

import {
  add,
  constant,
  crossEntropy,
  embedTokens,
  gelu,
  linear,
  norm,
  parameter,
  reshape,
  sliceRows,
  swiglu,
  type Tape,
  type Variable,
} from '@sympow/autograd';
import {
  ConfigError,
  requireKnownKeys,
  ShapeError,
  type Backend,
  type BackendFactory,
  type KnownKeys,
  type Tensor,
} from '@sympow/kernels';
import type { AttentionInputs, AttentionKind, Recurrence } from '@sympow/recurrence';
import type { ComputeOptions, ModelConfig } from './api';
import { requireConfig } from './config';
import { CheckpointError } from './errors';
import { kindOf, kindsOfLayers } from './kindsOfLayers';
import { emptyMemory, type ModelMemory } from './memory';
import { initialValues, parameterSpecs } from './parameters';

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

const knownOfCreate: KnownKeys<{ seed?: number } & ComputeOptions> = { seed: true, form: true, chunk: true };

/** A model on a backend. Its parameters are the backend's memory until `dispose`. */
export class Model {
  /** By name, in the order of the data. */
  readonly parameters: ReadonlyMap<string, Variable>;
  /** Whether AdamW's weight decay applies to a parameter. */
  readonly decays: ReadonlyMap<string, boolean>;
  /** How each layer attends. */
  readonly recurrences: readonly Recurrence[];
  /** Numbers of gates and phases that are not trained, by name. */
  private readonly constants = new Map<string, Variable>();

  private constructor(
    readonly backend: Backend,
    readonly config: ModelConfig,
    values: ((name: string, size: number) => ArrayLike<number>) | undefined,
    readonly compute: ComputeOptions,
  ) {
    requireOpen(backend);
    requireConfig(config);
    const specs = parameterSpecs(config);
    const { rotary, gate } = config;
    const kinds = new Map<AttentionKind, Recurrence>();
    this.recurrences = kindsOfLayers(config).map((kind) => {
      const recurrence = kinds.get(kind) ?? kind.make(config, compute);
      kinds.set(kind, recurrence);
      return recurrence;
    });
    this.decays = new Map([...specs].map(([name, { decays }]) => [name, decays]));
    const parameters = new Map<string, Variable>();
    this.parameters = parameters;
    backend.scope((keep) => {
      for (const [name, { shape, trained = true }] of specs) {
        const tensor = keep(backend.empty(shape));
        if (values) backend.write(tensor, values(name, tensor.size) as Float32Array);
        parameters.set(name, (trained ? parameter : constant)(tensor));
      }
      for (const entry of [gate, rotary]) {
        for (const [name, { shape, values }] of Object.entries(entry.constants?.(config, backend) ?? {})) {
          this.constants.set(name, constant(keep(backend.upload(Float64Array.from(values), shape))));
        }
      }
    });
  }

  /**
   * A model with fresh weights: the same for the same configuration and seed on every backend.
   *
   * @throws ConfigError for a backend that is not open, a configuration that `modelConfig` has not completed, or an option
   * that there is not
   */
  static create(backend: Backend, config: ModelConfig, options: { seed?: number } & ComputeOptions = {}): Model {
    requireKnownKeys('Model.create', options, knownOfCreate);
    const { seed = 0, ...compute } = options;
    requireOpen(backend);
    requireConfig(config);
    const specs = parameterSpecs(config);
    return new Model(backend, config, (name) => initialValues(name, specs.get(name)!, seed), compute);
  }

  /** A model whose weights are undefined until they are written, for what reads them from elsewhere piece by piece. */
  static blank(backend: Backend, config: ModelConfig, compute: ComputeOptions = {}): Model {
    return new Model(backend, config, undefined, compute);
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
    compute: ComputeOptions = {},
  ): Model {
    const specs = parameterSpecs(config);
    const foreign = [...weights.keys()].find((name) => !specs.has(name));
    if (foreign !== undefined) {
      throw new CheckpointError({
        what: 'a weight',
        value: foreign,
        expected: 'only weights that config.json asks for',
        remedy: 'Check that both files belong together.',
      });
    }
    for (const [name, { shape }] of specs) {
      const size = shape.reduce((a, b) => a * b, 1);
      if (weights.get(name)?.length !== size) {
        throw new CheckpointError({
          what: `weight ${name}`,
          value: weights.has(name) ? `${weights.get(name)!.length} numbers` : 'missing',
          expected: `${size} numbers, [${shape.join(', ')}]`,
          remedy: 'Check that weights and config.json belong together.',
        });
      }
    }
    return new Model(backend, config, (name) => weights.get(name)!, compute);
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
    return tape.attempt(() => this.read(tape, tokens, options));
  }

  private read(tape: Tape, tokens: Tensor, options: ForwardOptions): Variable {
    const { memory, lengths, reset, lastOnly = false } = options;
    if (tokens.shape.length !== 2 || tokens.size === 0) {
      throw new ShapeError({
        what: 'shape of the tokens',
        value: tokens.shape,
        expected: '[B, T] with T of at least 1',
      });
    }
    let x = embedTokens(tape, tokens, this.weight('model.embed_tokens.weight'));
    if (this.config.embeddingNorm) x = this.normed(tape, x, 'model.embed_norm');
    for (let layer = 0; layer < this.config.layers; layer++) {
      const input = x;
      x = tape.block((keep) => keep(this.block(tape, input, layer, { memory, lengths, reset })));
    }
    if (lastOnly) x = lastOfRows(tape, x, memory ? lengths : undefined);
    x = this.normed(tape, x, 'model.norm');
    return linear(tape, x, this.weight(this.config.tieEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight'));
  }

  /** Cross-entropy of every token in nats [B, T]; 0 where the target is negative. */
  loss(tape: Tape, tokens: Tensor, targets: Tensor, options: ForwardOptions = {}): Variable {
    return tape.attempt(() => crossEntropy(tape, this.forward(tape, tokens, options), targets));
  }

  /** One block: attention and MLP, each behind a norm and beside a residual. */
  private block(tape: Tape, x: Variable, layer: number, options: ForwardOptions): Variable {
    const name = `model.layers.${layer}`;
    x = add(tape, x, this.attention(tape, this.normed(tape, x, `${name}.input_layernorm`), layer, options));
    return add(tape, x, this.mlp(tape, this.normed(tape, x, `${name}.post_attention_layernorm`), `${name}.mlp`));
  }

  private attention(tape: Tape, h: Variable, layer: number, { memory, lengths, reset }: ForwardOptions): Variable {
    const { heads: H, keyValueHeads: G, headSize: d, queryKeyNorm, gate, rotary } = this.config;
    const [B, T] = h.value.shape as [number, number];
    const name = `model.layers.${layer}.self_attn`;
    const heads = (projection: string, count: number) =>
      reshape(tape, this.linear(tape, h, `${name}.${projection}`), [B, T, count, d]);
    let q = heads('q_proj', H); // [B, T, H, d]
    let k = heads('k_proj', G); // [B, T, G, d]
    const v = heads('v_proj', G); // [B, T, G, d]
    if (queryKeyNorm) {
      q = norm(tape, q, { kind: 'rms', weight: this.weight(`${name}.q_norm.weight`), eps: this.config.normEps });
      k = norm(tape, k, { kind: 'rms', weight: this.weight(`${name}.k_norm.weight`), eps: this.config.normEps });
    }
    const own = (weight: string) => this.parameters.get(`${name}.${weight}`) ?? this.constants.get(weight)!;
    const inputs: AttentionInputs = {
      q,
      k,
      v,
      logGate: gate.logGates(tape, h, own, this.config), // [B, T, G] or [B, T, G, d]
      phases: rotary.inputs(tape, h, own, this.config),
      reset,
      own: kindOf(this.config, layer).inputs?.(tape, h, own, this.config),
    };
    const y = memory
      ? this.recurrences[layer]!.stream(tape, inputs, memory.layers[layer]!, lengths)
      : this.recurrences[layer]!.sequence(tape, inputs, { finalState: false }).y; // [B, T, H, d]
    return this.linear(tape, reshape(tape, y, [B, T, H * d]), `${name}.o_proj`);
  }

  private mlp(tape: Tape, h: Variable, name: string): Variable {
    const up = this.linear(tape, h, `${name}.up_proj`);
    const wide =
      this.config.mlp === 'swiglu' ? swiglu(tape, this.linear(tape, h, `${name}.gate_proj`), up) : gelu(tape, up);
    return this.linear(tape, wide, `${name}.down_proj`);
  }

  private linear(tape: Tape, x: Variable, name: string): Variable {
    return linear(tape, x, this.weight(`${name}.weight`), this.parameters.get(`${name}.bias`));
  }

  private normed(tape: Tape, x: Variable, name: string): Variable {
    const { norm: kind, normEps: eps } = this.config;
    return norm(tape, x, {
      kind,
      eps,
      weight: this.weight(`${name}.weight`),
      bias: this.parameters.get(`${name}.bias`),
    });
  }

  private weight(name: string): Variable {
    return this.parameters.get(name)!;
  }

  /** Gives the parameters back to the backend. */
  dispose(): void {
    for (const { value } of this.parameters.values()) value.dispose();
    for (const { value } of this.constants.values()) value.dispose();
  }
}

/** A factory is easily taken for what it opens, and a promise for what it brings. */
function requireOpen(backend: Backend): void {
  const given = backend as Partial<Backend & BackendFactory> | null | undefined;
  if (given?.kernels && given.capabilities) return;
  throw new ConfigError({
    what: 'the backend',
    value: backend,
    ...(typeof given?.open === 'function' && { message: `the backend ${given.name} is not open` }),
    expected: 'an open backend',
    remedy: 'Write await js().open(), or open another in this way.',
  });
}

/** The last token of each row [B, 1, n] of x [B, T, n]: behind its own length where rows have one, its first where that is 0. */
function lastOfRows(tape: Tape, x: Variable, lengths: readonly number[] | undefined): Variable {
  const [B, T, n] = x.value.shape as [number, number, number];
  if (!lengths || T === 1) return sliceRows(tape, x, T - 1, 1);
  const y = tape.result([B, 1, n], []);
  tape.backend.scope(() => {
    const [from, to] = [tape.backend.view(x.value, [1, B * T, n]), tape.backend.view(y.value, [1, B, n])];
    for (const [row, length] of lengths.entries()) {
      tape.kernels.copyBlock({ x: from, from: row * T + Math.max(0, length - 1), to: row, count: 1, y: to });
    }
  });
  return y;
}
