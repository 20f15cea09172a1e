/** Weights that follow a schedule instead of a gradient. */

import type { Variable } from '@sympow/autograd';
import { ConfigError } from '@sympow/kernels';
import { parameterSpecs, weightsChanged, type Model } from '@sympow/model';
import type { Anneal, TrainingOptions } from './api';

type Anneals = Readonly<Record<string, Anneal>> | undefined;

/** Schedules by the names of weights, also where only the updates of the usual one are given. */
export function annealsOf(given: TrainingOptions['anneal']): Anneals {
  return typeof given === 'number' ? { mix: { steps: given } } : given;
}

/** Every layer's weight of that name that no gradient is to move. */
function weightsOf({ config, parameters }: Model, name: string): Variable[] {
  const annealing = [...parameterSpecs(config)].filter(
    ([key, { trained = true }]) => !trained && key.endsWith(`.self_attn.${name}`),
  );
  return annealing.flatMap(([key]) => parameters.get(key) ?? []);
}

/** @throws ConfigError for weights that there are not, and for schedules that cannot be */
export function requireAnneal(model: Model, anneals: Anneals): void {
  for (const [name, { from = 1, to = 0, steps }] of Object.entries(anneals ?? {})) {
    if (weightsOf(model, name).length === 0) {
      const expected = 'a weight of a layer that no gradient moves';
      throw new ConfigError({ what: 'anneal', value: name, expected, remedy: 'Attention mixed has mix.' });
    }
    for (const [what, value] of Object.entries({ from, to })) {
      if (Number.isFinite(value)) continue;
      throw new ConfigError({ what: `anneal.${name}.${what}`, value, expected: 'a finite number' });
    }
    if (Number.isSafeInteger(steps) && steps >= 1) continue;
    throw new ConfigError({ what: `anneal.${name}.steps`, value: steps, expected: 'a whole number of at least 1' });
  }
}

/** The value after `step` updates. */
export function annealed({ from = 1, to = 0, steps }: Anneal, step: number): number {
  return step < steps ? from + ((to - from) * step) / steps : to;
}

/** Sets every annealed weight to what it is after `step` updates. */
export function setAnnealed(model: Model, anneals: Anneals, step: number): void {
  for (const [name, anneal] of Object.entries(anneals ?? {})) {
    for (const { value } of weightsOf(model, name)) {
      model.backend.write(value, new Float64Array(value.size).fill(annealed(anneal, step)));
    }
    weightsChanged(model);
  }
}
