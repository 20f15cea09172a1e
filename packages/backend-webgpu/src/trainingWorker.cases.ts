// What the browser test runs beside its page: a training of 100 steps, and a message for each.
import { textSource } from '@sympow/data';
import { Model, modelConfig, variants } from '@sympow/model';
import { train } from '@sympow/training';
import { webgpu } from './backend';

const data = textSource('the page goes on while a worker trains. '.repeat(40));

const backend = await webgpu().open();
const shape = { vocabSize: 256, hiddenSize: 16, layers: 1, heads: 2, headSize: 8 };
const model = Model.create(backend, modelConfig({ ...variants.conformal, ...shape }), { seed: 1 });
for await (const event of train({ model, data, batch: 2, context: 16, steps: 100, learningRate: 0.01 })) {
  if (event.type === 'step') postMessage(event.loss);
}
await backend.close();
