// A checkpoint: its configuration and weights.
import { js } from '@sympow/kernels';
import { configToJson, loadModel, memoryStorage, Model, modelConfig, saveModel } from '@sympow/model';
import fc from 'fast-check';
import { changedBytes, changedText } from '../inputs';
import { target } from '../target';

const config = modelConfig({ vocabSize: 11, hiddenSize: 8, layers: 1, heads: 2, headSize: 4 });
const backend = await js().open();
const whole = memoryStorage();
await saveModel(whole, Model.create(backend, config));
const files = new Map<string, Uint8Array>();
for (const name of await whole.list()) files.set(name, await whole.read(name, 0, await whole.size(name)));
const [own, weights] = [files.get('config.json')!, files.get('model.safetensors')!];

export const checkpoint = target({
  name: 'checkpoint',
  share: 0.3,
  inputs: fc.record({
    config: fc.oneof(fc.constant(own), changedText(configToJson(config))),
    weights: fc.oneof({ weight: 1, arbitrary: fc.constant(weights) }, { weight: 3, arbitrary: changedBytes(weights) }),
    // Checksums find every change; without them, what is behind is reached.
    others: fc.boolean(),
  }),
  async run({ config, weights, others }) {
    const storage = memoryStorage();
    const changed = [['config.json', config], ['model.safetensors', weights]] as const; // prettier-ignore
    for (const [name, bytes] of [...(others ? files : []), ...changed]) await storage.write(name, bytes);
    (await loadModel(backend, storage)).dispose();
  },
});
