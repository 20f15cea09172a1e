/**
 * How weights reach a layer: by name, and once, when the model is made. Whatever wraps weights from outside (low-rank additions,
 * low-bit numbers) hands in another {@link Weights}; no layer knows of it.
 */

import { addLinear, linear, type Tape, type Variable } from '@sympow/autograd';
import { matrixSpec, vectorSpec, type Init, type ParameterSpec } from '@sympow/recurrence';
import type { BiasedPart, ModelConfig, Projection } from '../api';

export const ATTENTION_PROJECTIONS = ['q_proj', 'k_proj', 'v_proj', 'o_proj'] as const satisfies Projection[];
export const MLP_PROJECTIONS = ['gate_proj', 'up_proj', 'down_proj'] as const satisfies Projection[];

/** A linear map with its bias: x [rows…, in] → [rows…, out]. */
export interface LinearMap {
  (tape: Tape, x: Variable): Variable;
  /** sum + map(x), where that is done better than one after the other. Where nothing is recorded `sum` may be written over. */
  readonly addTo?: (tape: Tape, sum: Variable, x: Variable) => Variable;
  /** What it is made of where nothing wraps it: then the head and its loss are one kernel. */
  readonly plain?: { readonly weight: Variable; readonly bias: Variable | undefined };
}

/** The weights of a model, or of a part of it, by names from there on. */
export interface Weights {
  /** One weight; nothing where the configuration asks for none. */
  find(name: string): Variable | undefined;
  /** The linear map of `name.weight` and `name.bias`. */
  linear(name: string): LinearMap;
}

/** Specifications by name, in the order of the data. */
export type Specs = Readonly<Record<string, ParameterSpec>>;

/** Weights as they are. */
export function plainWeights(find: Weights['find']): Weights {
  return {
    find,
    linear(name) {
      const [weight, bias] = [find(`${name}.weight`)!, find(`${name}.bias`)];
      const plain = { weight, bias };
      const map = (tape: Tape, x: Variable) => linear(tape, x, weight, bias);
      const addTo = (tape: Tape, sum: Variable, x: Variable) => addLinear(tape, sum, x, plain);
      return Object.assign(map, { addTo, plain });
    },
  };
}

/** The weights of a part. */
export function weightsOf(part: string, { find, linear }: Weights): Weights {
  return { find: (name) => find(`${part}.${name}`), linear: (name) => linear(`${part}.${name}`) };
}

/** The specifications of a part under its name. */
export function within(part: string, specs: Specs): Specs {
  return Object.fromEntries(Object.entries(specs).map(([name, spec]) => [`${part}.${name}`, spec]));
}

/** A projection: its matrix [out, in], and a bias where the configuration has one. */
export function projection(
  { bias, initStd }: ModelConfig,
  name: Projection,
  out: number,
  inputs: number,
  init: Init = { std: initStd },
): Specs {
  const matrix = { [`${name}.weight`]: matrixSpec(out, inputs, init) };
  return isBiased(bias, name) ? { ...matrix, [`${name}.bias`]: vectorSpec(out, { value: 0 }) } : matrix;
}

/** Whether a part has a bias. */
export function isBiased(bias: ModelConfig['bias'], part: BiasedPart): boolean {
  return typeof bias === 'boolean' ? bias : bias.includes(part);
}

/** Projections into the residual stream start smaller, so that the sum over 2L of them starts at the scale of one. */
export function residualInit({ initStd, layers }: ModelConfig): Init {
  return { std: initStd / Math.sqrt(2 * layers) };
}
