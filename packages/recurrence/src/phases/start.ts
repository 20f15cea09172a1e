/** β from the input of a layer, and where it starts. */

import { matrixSpec, type EntryMap, type Init, type LayerSettings, type ParameterSpec } from '../layerEntry';

/** w_β at 0 is β = 1, plain rotary; noise blurs the fast pairs from the first step on. */
function betaStart({ betaInit, initStd }: LayerSettings): Init {
  return betaInit === 'zero' ? { value: 0 } : { std: initStd };
}

/** 1 + tanh(w_β·x). */
export const betaMap: EntryMap = { weight: 'beta_proj.weight', activation: 'onePlusTanh' };

/** w_β with a row for each β of a token. */
export function betaWeights(count: number, settings: LayerSettings): Readonly<Record<string, ParameterSpec>> {
  return { 'beta_proj.weight': matrixSpec(count, settings.hiddenSize, betaStart(settings)) };
}
