/** Where phases start. */

import type { Init, LayerSettings } from '../layerEntry';

/** w_β at 0 is β = 1, plain rotary; noise blurs the fast pairs from the first step on. */
export function betaStart({ betaInit, initStd }: LayerSettings): Init {
  return betaInit === 'zero' ? { value: 0 } : { std: initStd };
}
