/** What a part of a layer reads: the residual stream behind a norm; and how it adds to that stream. */

import { add, norm, normLinear } from '@sympow/autograd';
import type { MapParameters, NormParameters, Tape, Variable } from '@sympow/autograd';
import type { LinearMap } from './weights';

/** A normalised input and linear maps of it. */
export interface LayerInput {
  /** [B, T, hidden]. Where nothing is recorded it is computed when somebody looks at it. */
  readonly h: Variable;
  /** What `maps` give, in their order; nothing where they are left to the part itself. */
  readonly made: readonly (Variable | undefined)[];
}

/**
 * x [B, T, hidden] behind a norm. Where nothing is recorded, its maps come out of one kernel, for which the normalised numbers need
 * not exist; what is trained is made piece by piece.
 *
 * @param maps - `undefined` for what is more than a linear map
 */
export function layerInput(
  tape: Tape,
  x: Variable,
  parameters: NormParameters,
  maps: readonly (MapParameters | undefined)[],
): LayerInput {
  if (tape.recording) return { h: norm(tape, x, parameters), made: [] };
  const found = normLinear(
    tape,
    x,
    parameters,
    maps.filter((map) => map !== undefined),
  );
  let next = 0;
  return { h: whenRead(tape, x, parameters), made: maps.map((map) => map && found[next++]) };
}

/** A norm that is computed at the first look, into a tensor that is there from the beginning. */
function whenRead(tape: Tape, x: Variable, { kind, weight, bias, eps = 1e-5 }: NormParameters): Variable {
  const y = tape.empty(x.value.shape);
  let known = false;
  return {
    requiresGradient: false,
    get value() {
      if (!known) {
        const args = { x: x.value, weight: weight?.value, bias: bias?.value, eps, y };
        if (kind === 'layer') tape.kernels.layerNorm(args);
        else tape.kernels.rmsNorm(args);
      }
      known = true;
      return y;
    },
  };
}

/** x + map(y). Where nothing is recorded x may be written over. */
export function addMap(tape: Tape, x: Variable, map: LinearMap, y: Variable): Variable {
  return map.addTo ? map.addTo(tape, x, y) : add(tape, x, map(tape, y));
}
