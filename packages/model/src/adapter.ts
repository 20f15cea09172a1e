/** What wraps the weights of a model from outside, with weights of its own. */

import type { Variable } from '@sympow/autograd';
import type { Backend, Tensor } from '@sympow/kernels';
import type { LayerEntry, ParameterSpec } from '@sympow/recurrence';
import type { Weights } from './layers/weights';

/** A way to adapt a model: {@link lora} makes one. Handed to `Model.adapt`, whose result has these parameters alone. */
export interface Adapter extends Pick<LayerEntry, 'name' | 'says' | 'constants'> {
  /** All that it is made from, as `config.json` keeps it. */
  readonly settings: Readonly<Record<string, unknown>>;
  /**
   * Its weights, by full names.
   *
   * @param specs - those of the model
   */
  parameters(specs: ReadonlyMap<string, ParameterSpec>): ReadonlyMap<string, ParameterSpec>;
  /**
   * What the layers compute with in place of the model's weights.
   *
   * @param own - its weights and constants by name
   */
  wrap(weights: Weights, own: (name: string) => Variable): Weights;
  /** Writes into `y` what a weight of the model comes to with it. */
  merge(backend: Backend, name: string, weight: Tensor, own: (name: string) => Variable, y: Tensor): void;
}
