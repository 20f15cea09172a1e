/** Where the rotary phases of a layer come from: β, by which each token moves them on, and θ; specification §5. */

import type { Tape, Variable } from '@sympow/autograd';
import type { PhaseInputs } from '../api';
import type { EntryMap, LayerEntry, LayerSettings, LayerWeights } from '../layerEntry';

/** A way to make phases: one file says all about it. One of your own is handed to `modelConfig` in place of a name. */
export interface Phases extends LayerEntry {
  /** Whether queries and keys are turned at all; they need an even size then. */
  readonly turns: boolean;
  /**
   * Where all that `inputs` needs of h is one linear map: then a layer may make it beside its projections, in one kernel.
   * Absent: a layer hands h over.
   */
  readonly map?: EntryMap;
  /**
   * What phases are summed from; nothing where nothing turns.
   *
   * @param h - [B, T, hidden], the layer's normalised input
   * @param made - what `map` gives of h, where the layer has made it
   */
  inputs(
    tape: Tape,
    h: Variable,
    weight: LayerWeights,
    settings: LayerSettings,
    made?: Variable,
  ): PhaseInputs | undefined;
}
