/**
 * Keys by a power of two of their head, so that their powers stay within the range of a float: Y is a quotient of sums that
 * have the same power of it, so nothing has to be undone but in the state. See docs/decisions/002-scale-of-keys.md.
 */

import type { Tape, Variable } from '@sympow/autograd';
import type { Tensor } from '@sympow/kernels';
import type { FormInputs } from './forms';
import type { StatePair } from './power';

/** Inputs whose keys and initial state are scaled, and the way back for the final state. */
export interface ScaledInputs {
  readonly inputs: FormInputs;
  unscale(state: StatePair): StatePair;
}

export function scaleKeys(tape: Tape, inputs: FormInputs, power: number): ScaledInputs {
  const { k, initial } = inputs;
  const [B, T, G] = k.value.shape as [number, number, number];
  const scale: Variable = { value: tape.empty([B, G]), requiresGradient: false };
  tape.kernels.keyScale({ k: k.value, Z: initial?.Z.value, power, scale: scale.value });
  const ofState = ({ S, Z }: StatePair, times: number): StatePair => ({
    S: scaleHeads(tape, S, 1, scale, times),
    Z: scaleHeads(tape, Z, 1, scale, times),
  });
  const scaled = { ...inputs, k: scaleHeads(tape, k, T, scale, 1), initial: initial && ofState(initial, power) };
  return { inputs: scaled, unscale: (state) => ofState(state, -power) };
}

/** x·scale^times for x [B, T, G, …], T being 1 where x has no such axis. */
function scaleHeads(tape: Tape, x: Variable, T: number, scale: Variable, times: number): Variable {
  const y = tape.result(x.value.shape, [x]);
  const { backend, kernels } = tape;
  const [B, G] = scale.value.shape as [number, number];
  const width = x.value.size / (B * T * G || 1);
  const apply = (from: Tensor, to: Tensor): void =>
    backend.scope(() => {
      const shape = [B, T, G, width];
      kernels.scaleHeads({ x: backend.view(from, shape), scale: scale.value, times, y: backend.view(to, shape) });
    });
  apply(x.value, y.value);
  tape.record([y], () => {
    const dx = tape.empty(x.value.shape);
    apply(tape.gradientOrZero(y), dx);
    tape.give(x, dx);
  });
  return y;
}
