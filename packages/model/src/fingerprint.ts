/** By what a model is recognised: a hash of its configuration and of all its weights. */

import { ContentHash } from '@sympow/kernels';
import { configToJson } from './config';
import type { Model } from './model';

const known = new WeakMap<Model, Promise<string>>();

/**
 * The fingerprint of a model, the same on every backend: 32 hexadecimal digits. Reading all weights back from a device takes
 * a while, so it is computed once, and anew after {@link weightsChanged}.
 */
export function fingerprintOf(model: Model): Promise<string> {
  const found = known.get(model) ?? compute(model);
  known.set(model, found);
  found.catch(() => known.delete(model));
  return found;
}

/** Says that a model's weights are others now. Training and `loadWeights` do; so must whoever writes them by hand. */
export function weightsChanged(model: Model): void {
  known.delete(model);
}

async function compute({ config, parameters, adapted }: Model): Promise<string> {
  const hash = new ContentHash();
  const text = (value: string) => hash.update(new TextEncoder().encode(value));
  text(JSON.stringify(configToJson(config)));
  if (adapted) {
    text(await fingerprintOf(adapted.base));
    text(JSON.stringify([adapted.adapter.name, adapted.adapter.settings]));
  }
  for (const [name, { value }] of parameters) {
    text(name);
    const numbers = await value.read();
    hash.update(numbers instanceof Float64Array ? Float32Array.from(numbers) : numbers);
  }
  return hash.digest();
}
