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
const weights = await whole.read('model.safetensors', 0, await whole.size('model.safetensors'));
const others = await Promise.all(
  (await whole.list())
    .filter((name) => name !== 'model.safetensors' && name !== 'config.json')
    .map(async (name) => [name, await whole.read(name, 0, await whole.size(name))] as const),
);

export const checkpoint = target({
  name: 'checkpoint',
  share: 0.3,
  inputs: fc.record({
    config: fc.oneof(changedText(configToJson(config)), fc.constant(JSON.stringify(configToJson(config)))),
    weights: changedBytes(weights),
  }),
  async run({ config, weights }) {
    const storage = memoryStorage();
    await storage.write('config.json', config);
    await storage.write('model.safetensors', weights);
    for (const [name, bytes] of others) await storage.write(name, bytes);
    (await loadModel(backend, storage)).dispose();
  },
});
