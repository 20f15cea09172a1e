/** Models that are adapted: one of them in one piece again, and from a folder. */

import { ConfigError } from '@sympow/kernels';
import type { Adapter } from './adapter';
import { adapterIn, findCheckpoint, loadWeights, readConfig } from './checkpoint';
import { configToJson } from './config';
import { entriesOf } from './entriesOf';
import { CheckpointError } from './errors';
import { lowRank, type LoraOptions } from './lora';
import { Model } from './model';
import type { Storage } from '@sympow/storage';

/** Adapters by the names that `config.json` has of them. */
const adapters: Readonly<Record<string, (settings: never) => Adapter>> = {
  lora: (settings: LoraOptions) => lowRank(settings),
};

/**
 * A model of its own with the weights that an adapted one comes to; up to rounding it computes the same.
 *
 * @throws ConfigError for a model that is not adapted
 */
export function mergeAdapted(model: Model): Model {
  if (!model.adapted) {
    throw new ConfigError({ what: 'the model', value: 'not adapted', expected: 'one that lora has made' });
  }
  const { base, adapter } = model.adapted;
  const merged = Model.blank(base.backend, base.config, base.compute);
  try {
    for (const [name, { value: y }] of merged.parameters) {
      const own = (parameter: string) => model.parameters.get(parameter)!;
      adapter.merge(base.backend, name, base.parameters.get(name)!.value, own, y);
    }
  } catch (error) {
    merged.dispose();
    throw error;
  }
  return merged;
}

/**
 * What `saveModel` or a run has saved of an adapted model, on the model that it was made from.
 *
 * @throws CheckpointError if there is none, or it was made from a model of another configuration
 */
export async function loadAdapted(base: Model, storage: Storage): Promise<Model> {
  const folder = await findCheckpoint(storage);
  const saved = await adapterIn(folder);
  const make = saved && Object.hasOwn(adapters, saved.name) ? adapters[saved.name] : undefined;
  if (!make) {
    const expected = `one of ${Object.keys(adapters).join(', ')}`;
    throw new CheckpointError({ what: `adapter in ${folder.path}/config.json`, value: saved?.name, expected });
  }
  const config = await readConfig(folder, entriesOf(base.config));
  if (JSON.stringify(configToJson(config)) !== JSON.stringify(configToJson(base.config))) {
    throw new CheckpointError({
      what: `${folder.path}/config.json`,
      value: undefined,
      message: `${folder.path} adapts a model of another configuration`,
      expected: 'that of the model at hand',
    });
  }
  const model = Model.adapt(base, make(saved!.settings as never));
  try {
    await loadWeights(model, folder);
  } catch (error) {
    model.dispose();
    throw error;
  }
  return model;
}
