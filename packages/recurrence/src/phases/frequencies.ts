/** The frequencies θ that are not trained. */

import { constant, type Variable } from '@sympow/autograd';
import { ConfigError, type Backend, type Tensor } from '@sympow/kernels';
import type { PhaseInputs } from '../api';
import type { ConstantSpec, LayerSettings, LayerWeights } from '../layerEntry';

/**
 * θ_m = 2π / N^{2m/d} for every head: [G, d/2] radians per token.
 *
 * @param horizon - N, the longest context that the frequencies are laid out for; never the length of the data at hand
 * @throws ConfigError if d is odd or the horizon is not above 1
 */
export function frequencies(d: number, horizon: number, G: number): Float64Array {
  if (d % 2 !== 0)
    throw new ConfigError({ what: 'head size', value: d, expected: 'an even number, for pairs to rotate' });
  if (!(horizon > 1)) throw new ConfigError({ what: 'rotary horizon', value: horizon, expected: 'a number above 1' });
  return Float64Array.from({ length: (G * d) / 2 }, (_, i) => (2 * Math.PI) / horizon ** ((2 * (i % (d / 2))) / d));
}

/**
 * Frequencies that are not trained, on a backend: as head and tail, because in float32 alone a fast pair drifts from its
 * phase by a ten-millionth of a turn per turn.
 */
export function fixedTheta(
  backend: Backend,
  d: number,
  horizon: number,
  G: number,
): { theta: Variable; thetaTail: Tensor } {
  const { theta, theta_tail: tail } = thetaConstants(
    { headSize: d, rotaryHorizon: horizon, keyValueHeads: G },
    backend,
  );
  return backend.scope((keep) => ({
    theta: constant(keep(backend.upload(Float64Array.from(theta!.values), theta!.shape))),
    thetaTail: keep(backend.upload(Float64Array.from(tail!.values), tail!.shape)),
  }));
}

/** {@link fixedTheta} as constants of an entry. */
export function thetaConstants(
  { headSize: d, rotaryHorizon, keyValueHeads: G }: Pick<LayerSettings, 'headSize' | 'rotaryHorizon' | 'keyValueHeads'>,
  backend: Backend,
): Readonly<Record<string, ConstantSpec>> {
  return headAndTail(frequencies(d, rotaryHorizon, G), [G, d / 2], backend);
}

/** Frequencies that are not trained as constants of an entry, for {@link thetaOf}. */
export function headAndTail(
  exact: Float64Array,
  shape: readonly number[],
  { capabilities }: Backend,
): Readonly<Record<string, ConstantSpec>> {
  const head = capabilities.float === 'float64' ? exact : Float64Array.from(Float32Array.from(exact));
  return {
    theta: { shape, values: head },
    theta_tail: { shape, values: exact.map((value, i) => value - head[i]!) },
  };
}

/** θ as an entry with {@link thetaConstants} finds it. */
export function thetaOf(weight: LayerWeights): Pick<PhaseInputs, 'theta' | 'thetaTail'> {
  return { theta: weight('theta'), thetaTail: weight('theta_tail').value };
}
