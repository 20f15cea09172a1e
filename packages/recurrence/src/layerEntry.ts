// What gates and phases have in common: weights of a layer, declared beside the code that uses them.

import { linear, logSigmoid, onePlusTanh, type MapParameters, type Tape, type Variable } from '@sympow/autograd';
import type { Backend, LinearActivation } from '@sympow/kernels';
import type { RopeScaling } from './phases/ropeScaling';

/** Settings of a layer that its gates and phases may follow; a model's configuration has them all. */
export interface LayerSettings {
  /** Width of the layer's input. */
  readonly hiddenSize: number;
  /** G */
  readonly keyValueHeads: number;
  /** d */
  readonly headSize: number;
  /** p */
  readonly power: number;
  /** N of the rotary frequencies. */
  readonly rotaryHorizon: number;
  /** b of the frequencies of RoPE. */
  readonly ropeTheta: number;
  readonly ropeScaling: RopeScaling;
  /** Standard deviation that matrices start with. */
  readonly initStd: number;
  /** Where w_β starts. */
  readonly betaInit: 'zero' | 'normal';
}

/** A parameter before it exists. */
export interface ParameterSpec {
  /** Matrices are [out, in]. */
  readonly shape: readonly number[];
  readonly init: Init;
  /** Whether AdamW's weight decay applies: to matrices only. */
  readonly decays: boolean;
  /** Kept in float32 whatever a model keeps its matrices in: what makes gates, phases and the like. Default `false`. */
  readonly wide?: boolean;
  /** `false`: no gradient reaches it and the optimizer leaves it alone; a schedule may set it. Default `true`. */
  readonly trained?: boolean;
}

/** How a parameter starts: from N(0, std), at one value, or at given numbers. */
export type Init = { readonly std: number } | { readonly value: number } | { readonly values: () => ArrayLike<number> };

/** Numbers that every layer shares and nobody trains. */
export interface ConstantSpec {
  readonly shape: readonly number[];
  readonly values: ArrayLike<number>;
}

/** A layer's weights and constants by the names that its entry declares. */
export type LayerWeights = (name: string) => Variable;

/** A linear map of a layer's input with what follows it, by names of weights. */
export interface EntryMap {
  readonly weight: string;
  readonly bias?: string;
  readonly activation?: Exclude<LinearActivation, 'gelu'>;
}

/** A part of a layer that can be exchanged. Names of weights are those of a checkpoint, below `self_attn.`. */
export interface LayerEntry {
  /** How a configuration calls it. */
  readonly name: string;
  /** What it is, in a few words, for help texts and tables. */
  readonly says: string;
  /** Its weights in every layer. */
  parameters(settings: LayerSettings): Readonly<Record<string, ParameterSpec>>;
  /** Its constants, one copy for all layers. Absent: none. */
  constants?(settings: LayerSettings, backend: Backend): Readonly<Record<string, ConstantSpec>>;
}

/** What a map comes from: its weights as variables. */
export function parametersOf({ weight, bias, activation }: EntryMap, own: LayerWeights): MapParameters {
  return { weight: own(weight), bias: bias === undefined ? undefined : own(bias), activation };
}

/** What a map gives of h [B, T, in]: [B, T, out]. */
export function mapped(tape: Tape, h: Variable, own: LayerWeights, map: EntryMap): Variable {
  const { weight, bias } = parametersOf(map, own);
  const x = linear(tape, h, weight, bias);
  if (map.activation === 'logSigmoid') return logSigmoid(tape, x);
  return map.activation === 'onePlusTanh' ? onePlusTanh(tape, x) : x;
}

/** A matrix [out, in]; weight decay applies. */
export function matrixSpec(out: number, inputs: number, init: Init): ParameterSpec {
  return { shape: [out, inputs], init, decays: true };
}

/** Numbers without weight decay. */
export function vectorSpec(size: number, init: Init): ParameterSpec {
  return { shape: [size], init, decays: false };
}
