/**
 * The softmax model of @sympow/model and its AdamW step, written in jax-js: the same weights by the same names, the same
 * numbers out. The whole step is one `jit`. Arrays pass to the function that gets them; `.ref` keeps one for another use.
 *
 * What it is not: the shortest way to say it. `nn.dotProductAttention` needs iterator methods that Node 20 lacks, and
 * picking the target's logit by index has no gradient under `jit`, hence the bias and the one-hot targets.
 */

import type { Array as JaxArray } from '@jax-js/jax';
import type { ModelConfig } from '@sympow/model';
import type { Weights as StartingWeights } from '../training';
import { numbersOf, type JaxModule } from './jax';

/** Arrays by the names of the weights. */
// A `type`, as the trees of jax-js take no interface.
export type Weights = { [name: string]: JaxArray };

type TrainingState = {
  readonly weights: Weights;
  readonly m: Weights;
  readonly v: Weights;
};

export interface TransformerShape {
  readonly config: ModelConfig;
  readonly batch: number;
  readonly context: number;
}

export interface StepSettings {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
  readonly clip: number;
}

/** What stays the same from step to step. */
interface Constants {
  /** [B, T] int32 */
  readonly tokens: JaxArray;
  /** [B, T, V] one-hot */
  readonly targets: JaxArray;
  /** [1, T, 1, d/2] */
  readonly cos: JaxArray;
  readonly sin: JaxArray;
  /** [T, T]: 0 where a query sees a key. */
  readonly mask: JaxArray;
}

/** Mean cross-entropy [] in nats. */
function meanLoss(
  { numpy: np, nn }: JaxModule,
  { config, batch: B, context: T }: TransformerShape,
): (w: Weights, constants: Record<keyof Constants, JaxArray>) => JaxArray {
  const { heads: H, headSize: d, hiddenSize, layers, normEps } = config;
  const linear = (x: JaxArray, weight: JaxArray) => np.dot(x, np.transpose(weight));
  const norm = (x: JaxArray, weight: JaxArray) => nn.standardize(x, -1, { epsilon: normEps }).mul(weight);
  const headsFirst = (x: JaxArray) => np.transpose(x, [0, 2, 1, 3]); // [B, T, H, d] and [B, H, T, d]

  const rotate = (x: JaxArray, cos: JaxArray, sin: JaxArray) => {
    const [u, v] = np.unstack(x.reshape([B, T, H, d / 2, 2]), -1) as [JaxArray, JaxArray];
    const turned = [u.ref.mul(cos.ref).sub(v.ref.mul(sin.ref)), u.mul(sin).add(v.mul(cos))];
    return np.stack(turned, -1).reshape([B, T, H, d]);
  };

  const attention = (q: JaxArray, k: JaxArray, v: JaxArray, mask: JaxArray) => {
    const scores = np.matmul(headsFirst(q), np.transpose(k, [0, 2, 3, 1])).mul(1 / Math.sqrt(d)); // [B, H, T, T]
    return headsFirst(np.matmul(nn.softmax(scores.add(mask), -1), headsFirst(v)));
  };

  return (w, { tokens, targets, cos, sin, mask }) => {
    const embedding = w['model.embed_tokens.weight']!;
    let x = norm(np.take(embedding.ref, tokens, 0), w['model.embed_norm.weight']!); // [B, T, hidden]
    for (let layer = 0; layer < layers; layer++) {
      const weight = (name: string) => w[`model.layers.${layer}.${name}.weight`]!;
      const h = norm(x.ref, weight('input_layernorm'));
      const project = (name: string) => linear(h.ref, weight(`self_attn.${name}`)).reshape([B, T, H, d]);
      const q = rotate(project('q_proj'), cos.ref, sin.ref);
      const k = rotate(project('k_proj'), cos.ref, sin.ref);
      const y = attention(q, k, project('v_proj'), mask.ref);
      h.dispose();
      x = x.add(linear(y.reshape([B, T, hiddenSize]), weight('self_attn.o_proj')));
      const wide = nn.gelu(linear(norm(x.ref, weight('post_attention_layernorm')), weight('mlp.up_proj')));
      x = x.add(linear(wide, weight('mlp.down_proj')));
    }
    for (const constant of [cos, sin, mask]) constant.dispose();
    const logits = linear(norm(x, w['model.norm.weight']!), embedding);
    return nn
      .logSoftmax(logits)
      .mul(targets)
      .sum()
      .mul(-1 / (B * T));
  };
}

/** The model in training. */
export class JaxTransformer {
  private state: TrainingState;
  private readonly constants: Record<keyof Constants, JaxArray>;
  private readonly lossAndGradients: (weights: Weights, constants: typeof this.constants) => [JaxArray, Weights];
  private readonly update: (state: TrainingState, constants: typeof this.constants, factors: JaxArray) => TrainingState;
  private steps = 0;

  constructor(
    private readonly jax: JaxModule,
    shape: TransformerShape,
    private readonly settings: StepSettings,
    weights: StartingWeights,
    tokens: Int32Array,
    targets: Int32Array,
  ) {
    const { numpy: np, tree } = jax;
    const uploaded = Object.fromEntries(
      [...weights].map(([name, { shape: axes, data }]) => [name, np.array(data.slice()).reshape([...axes])]),
    );
    const zeros = () => Object.fromEntries([...weights].map(([name, { shape: axes }]) => [name, np.zeros([...axes])]));
    this.state = { weights: uploaded, m: zeros(), v: zeros() };
    this.constants = constantsOf(jax, shape, tokens, targets);
    const loss = meanLoss(jax, shape);
    const lossAndGradients: typeof this.lossAndGradients = (w, constants) => jax.valueAndGrad(loss)(w, constants);
    this.lossAndGradients = jax.jit(lossAndGradients);
    this.update = jax.jit((state: TrainingState, constants: typeof this.constants, factors: JaxArray) => {
      const [value, gradients] = lossAndGradients(tree.ref(state.weights), constants);
      value.dispose();
      return adamw(jax, settings, state, gradients, factors);
    });
  }

  /** One AdamW update; enqueued where the device can. */
  step(): void {
    const { learningRate, beta1, beta2 } = this.settings;
    this.steps++;
    const factors = this.jax.numpy.array([
      learningRate / (1 - beta1 ** this.steps),
      1 / Math.sqrt(1 - beta2 ** this.steps),
    ]);
    this.state = this.update(this.state, this.jax.tree.ref(this.constants), factors);
  }

  async settle(): Promise<void> {
    await this.jax.blockUntilReady(this.state);
  }

  /** Loss and gradients at the weights of the moment. */
  async look(): Promise<{ loss: number; gradients: Map<string, ArrayLike<number>> }> {
    const { tree } = this.jax;
    const [value, gradients] = this.lossAndGradients(tree.ref(this.state.weights), tree.ref(this.constants));
    const read = new Map<string, ArrayLike<number>>();
    for (const [name, gradient] of Object.entries(gradients)) read.set(name, await numbersOf(gradient));
    return { loss: (await numbersOf(value))[0]!, gradients: read };
  }

  dispose(): void {
    this.jax.tree.dispose([this.state, this.constants]);
  }
}

/** AdamW as the kernel of that name: clipping by the global norm, decay on matrices. */
function adamw(
  { numpy: np, tree }: JaxModule,
  { learningRate, beta1, beta2, eps, weightDecay, clip }: StepSettings,
  { weights, m, v }: TrainingState,
  gradients: Weights,
  factors: JaxArray,
): TrainingState {
  const squares = Object.values(gradients).map((gradient) => np.square(gradient.ref).sum());
  const norm = np.sqrt(squares.reduce((a, b) => a.add(b)));
  const scale = np.minimum(1, np.reciprocal(norm.add(1e-6)).mul(clip));
  const clipped: Weights = tree.map((gradient: JaxArray) => gradient.mul(scale.ref), gradients);
  const mean: Weights = tree.map((a: JaxArray, g: JaxArray) => a.mul(beta1).add(g.ref.mul(1 - beta1)), m, clipped);
  const square: Weights = tree.map(
    (a: JaxArray, g: JaxArray) => a.mul(beta2).add(np.square(g).mul(1 - beta2)),
    v,
    clipped,
  );
  const [rate, correction] = np.unstack(factors, 0) as [JaxArray, JaxArray];
  const moved: Weights = tree.map(
    (weight: JaxArray, a: JaxArray, b: JaxArray) => {
      const keep = 1 - (weight.ndim === 2 ? learningRate * weightDecay : 0);
      const way = np.sqrt(b.ref).mul(correction.ref).add(eps);
      return weight.mul(keep).sub(a.ref.mul(rate.ref).div(way));
    },
    weights,
    mean,
    square,
  );
  for (const used of [scale, rate, correction]) used.dispose();
  return { weights: moved, m: mean, v: square };
}

function constantsOf(
  { numpy: np }: JaxModule,
  { config, batch: B, context: T }: TransformerShape,
  tokens: Int32Array,
  targets: Int32Array,
): Record<keyof Constants, JaxArray> {
  const { vocabSize: V, headSize: d, rotaryHorizon: N } = config;
  const oneHot = new Float32Array(B * T * V);
  targets.forEach((target, i) => (oneHot[i * V + target] = 1));
  const angles = Float64Array.from({ length: (T * d) / 2 }, (_, i) => {
    const pair = i % (d / 2);
    return ((1 + (i - pair) / (d / 2)) * 2 * Math.PI) / N ** ((2 * pair) / d);
  });
  const phases = (f: (angle: number) => number) => np.array(Float32Array.from(angles, f)).reshape([1, T, 1, d / 2]);
  const hidden = Float32Array.from({ length: T * T }, (_, i) => (i % T <= Math.floor(i / T) ? 0 : -1e30));
  return {
    tokens: np.array(tokens.slice()).reshape([B, T]),
    targets: np.array(oneHot).reshape([B, T, V]),
    cos: phases(Math.cos),
    sin: phases(Math.sin),
    mask: np.array(hidden).reshape([T, T]),
  };
}
