import { Tape } from '@sympow/autograd';
import { textSource } from '@sympow/data';
import { js } from '@sympow/kernels';
import { loadModel, memoryStorage, Model, modelConfig, saveModel, type ModelOptions } from '@sympow/model';
import { expect, it } from 'vitest';
import { train } from './train';

const backend = await js().open();

const hybrids: readonly { readonly name: string; readonly settings: ModelOptions }[] = [
  { name: 'a window and power', settings: { attention: ['window', 'power'], slidingWindow: 5 } },
  { name: 'power between windows', settings: { attention: ['window', 'power', 'window'], slidingWindow: 9 } },
  {
    name: 'wall and power, gates by channel',
    settings: { attention: ['wall', 'power'], gate: 'vector', rotary: 'none' },
  },
];

it.each(hybrids)('a hybrid learns, streams as it reads, and is loaded as it was: $name', async ({ settings }) => {
  const layers = (settings.attention as string[]).length;
  const shape = { vocabSize: 256, hiddenSize: 16, layers, heads: 2, headSize: 8 };
  const model = Model.create(backend, modelConfig({ ...shape, ...settings }), { seed: 1 });
  const data = textSource('abcdefghijklm'.repeat(100));
  const losses: number[] = [];
  const run = train({ model, data, batch: 4, context: 16, steps: 60, learningRate: 0.02, weightDecay: 0 });
  for await (const event of run) if (event.type === 'step') losses.push(event.loss);
  expect(losses[0]).toBeGreaterThan(5);
  expect(losses.at(-1)).toBeLessThan(0.5);

  const storage = memoryStorage('hybrid');
  await saveModel(storage, model);
  const loaded = await loadModel(backend, storage);
  expect(loaded.recurrences.map(({ kind }) => kind)).toEqual(settings.attention);

  // A whole text, and the same text in pieces with the memories of all layers, by the model that was loaded.
  const text = Int32Array.from('defghijklmabcdefghijklmabcdefghij', (letter) => letter.charCodeAt(0));
  const tape = () => new Tape(backend, { record: false });
  const whole = await model.forward(tape(), backend.upload(text, [1, text.length])).value.read();
  const memory = loaded.memory();
  const pieces: number[] = [];
  for (let from = 0, piece = 0; from < text.length; from += piece) {
    piece = Math.min(from % 3 === 0 ? 1 : 7, text.length - from);
    const tokens = backend.upload(text.slice(from, from + piece), [1, piece]);
    pieces.push(...(await loaded.forward(tape(), tokens, { memory }).value.read()));
  }
  pieces.forEach((logit, i) => expect(logit).toBeCloseTo(whole[i]!, 3));
});
