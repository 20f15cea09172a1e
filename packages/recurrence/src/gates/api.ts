/** Where the gates γ of a layer come from; specification §4. */

import type { Tape, Variable } from '@sympow/autograd';
import type { EntryMap, LayerEntry, LayerSettings, LayerWeights } from '../layerEntry';

/**
 * A way to make gates: one file says all about it, and a list holds those that come with the package. A gate of your own is
 * handed to `modelConfig` in place of a name.
 *
 * @example
 * ```ts
 * import { broadcastRows, logSigmoid } from '@sympow/autograd';
 * import { vectorSpec, type Gate } from '@sympow/recurrence';
 * // One gate for all heads of a layer.
 * const shared: Gate = {
 *   name: 'shared',
 *   says: 'one per layer',
 *   width: 1,
 *   parameters: () => ({ 'gate_proj.bias': vectorSpec(1, { value: 6.9 }) }),
 *   logGates(tape, h, weight, { keyValueHeads: G }) {
 *     const [B, T] = h.value.shape as [number, number];
 *     return broadcastRows(tape, logSigmoid(tape, weight('gate_proj.bias')), [B, T, G, 1]);
 *   },
 * };
 * ```
 */
export interface Gate extends LayerEntry {
  /** Gates per token and key/value head: none, one, or one per key dimension. */
  readonly width: 0 | 1 | 'd';
  /**
   * Where all that `logGates` needs of h is one linear map: then a layer may make it beside its projections, in one kernel.
   * Absent: a layer hands h over.
   */
  readonly map?: EntryMap;
  /**
   * log γ for every token, each ≤ 0: [B, T, G], or [B, T, G, d] for a width of d; nothing for a width of 0.
   *
   * @param h - [B, T, hidden], the layer's normalised input
   * @param made - what `map` gives of h, where the layer has made it
   */
  logGates(
    tape: Tape,
    h: Variable,
    weight: LayerWeights,
    settings: LayerSettings,
    made?: Variable,
  ): Variable | undefined;
}
