/** Types of the model: what it is made of, and what it says about itself before it is made. */

import type { Normalizer } from '@sympow/kernels';
import type { AttentionKind, Form, Gate, Phases, RopeScaling } from '@sympow/recurrence';

/**
 * Models to compare, as settings of {@link ModelConfig}: the four of the paper, softmax with gates (the forgetting transformer),
 * the phases of conformal without its gates, gates that do not depend on the data or that each key dimension has its own of, and
 * phases that each pair has its own of; and the gated delta rule, the strongest published layer with a state of constant size.
 */
export type Variant =
  | 'softmax'
  | 'sympow'
  | 'gated'
  | 'conformal'
  | 'gated-softmax'
  | 'rotary-only'
  | 'fixed-gates'
  | 'learned-gates'
  | 'vector-gates'
  | 'pair-rotary'
  | 'delta';

/** Everything that fixes a model's weights and what it computes. Stored as `config.json`. */
export interface ModelConfig {
  /** V */
  readonly vocabSize: number;
  readonly hiddenSize: number;
  /** L */
  readonly layers: number;
  /** H */
  readonly heads: number;
  /** G, a divisor of H. */
  readonly keyValueHeads: number;
  /** d = e; even where keys are turned. */
  readonly headSize: number;
  readonly intermediateSize: number;
  readonly mlp: 'gelu' | 'swiglu';
  readonly norm: 'layer' | 'rms';
  readonly normEps: number;
  /** A norm right after the token embedding. */
  readonly embeddingNorm: boolean;
  /** RMS norm on every query and key head. */
  readonly queryKeyNorm: boolean;
  /** Biases in projections and layer norms, or a list of those that have one. */
  readonly bias: boolean | readonly BiasedPart[];
  /** Logits through the token embedding's own weights. */
  readonly tieEmbeddings: boolean;
  /** The kind of every layer, or one kind for each layer. */
  readonly attention: AttentionKind | readonly AttentionKind[];
  /** p of power attention. */
  readonly power: number;
  readonly normalizer: Normalizer;
  /** W: tokens that a layer of kind `window` sees, the newest included. */
  readonly slidingWindow: number;
  readonly gate: Gate;
  readonly rotary: Phases;
  /** N: the longest context that the rotary frequencies are laid out for. */
  readonly rotaryHorizon: number;
  /** b of rotary `rope`: frequencies b^(−2m/d). */
  readonly ropeTheta: number;
  /** How those are lowered for longer contexts. */
  readonly ropeScaling: RopeScaling;
  /** What S and Z of a stream and caches of keys and values are kept in: read as float32, rounded once when they are written. */
  readonly states: FloatType;
  /**
   * Standard deviation that matrices start with, above 0; those that end in the residual stream start smaller by √(2L). The usual
   * 0.02 is meant for widths of about 1,000: narrow models may learn to match tokens only from about 1/√hiddenSize.
   */
  readonly initStd: number;
  /** Where w_β starts: at 0 (β = 1) or as other matrices do. */
  readonly betaInit: 'zero' | 'normal';
}

/** A projection of a layer: of attention, and of the MLP. */
export type Projection = 'q_proj' | 'k_proj' | 'v_proj' | 'o_proj' | 'gate_proj' | 'up_proj' | 'down_proj';

/** What may have a bias; `norm` are all layer norms. */
export type BiasedPart = Projection | 'norm';

/** Settings to make a {@link ModelConfig} from: entries by their names, or entries of your own. */
export type ModelOptions = Partial<Omit<ModelConfig, 'attention' | 'gate' | 'rotary'>> & {
  readonly attention?: string | AttentionKind | readonly (string | AttentionKind)[] | undefined;
  readonly gate?: string | Gate | undefined;
  readonly rotary?: string | Phases | undefined;
};

/** Entries of your own that a `config.json` may name, beside those that come with the packages. */
export interface ModelEntries {
  readonly kinds?: readonly AttentionKind[];
  readonly gates?: readonly Gate[];
  readonly phases?: readonly Phases[];
}

/** How a model computes; changes no weight and, up to rounding, no result. */
export interface ComputeOptions {
  readonly form?: Form;
  /** C of the chunked form. */
  readonly chunk?: number;
}

/** Which weights of a model are trained. */
export interface TrainableOptions {
  /** Says so of a parameter by its name; all are unless said otherwise. The others stay as they are, to the last bit. */
  readonly trainable?: ((name: string) => boolean) | undefined;
}

/** What numbers of a model may be kept in; float32 stands for the backend's own float. */
export type FloatType = 'float32' | 'float16' | 'bfloat16';

/** What matrices may be kept and multiplied in. */
export type WeightType = FloatType;

/** What a model keeps in which element type. */
export interface PrecisionOptions {
  /**
   * `weights`: the type of the matrices in products; float32 unless said otherwise. `masters`: what they are kept in. With float32
   * masters, the default, weights are rounded anew for each product, and can be trained. With masters of the type of the weights they take
   * half the memory, are not trained, and are saved as they are. A type alone is that of the weights.
   */
  readonly precision?: WeightType | { readonly weights?: WeightType; readonly masters?: WeightType } | undefined;
}

/** What a model will take, known from its configuration alone. */
export interface ModelSize {
  readonly parameters: number;
  readonly weightBytes: number;
  /** Weights, gradients, moments and the activations of one step: an estimate, good to about a third. */
  readonly trainingBytes: number;
  /** Memory of one stream that does not grow: states, phases and decoding windows. 0 with softmax. */
  readonly stateBytes: number;
  /** Keys and values of one softmax model of this shape after `context` tokens, for comparison. */
  readonly cacheBytes: number;
}
