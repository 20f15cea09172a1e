import { wasm } from '@sympow/backend-wasm';
import { js, type Backend } from '@sympow/kernels';
import { variants, type ModelOptions } from '@sympow/model';
import { kinds } from '@sympow/recurrence';
import { livelyModel, tinyConfig } from '@sympow-tools/tiny';
import { describe, expect, it } from 'vitest';
import { Batch } from './batch';
import { generate, type GenerateOptions } from './generate';

const backends: [string, Backend][] = [
  ['js', await js().open()],
  ['wasm', await wasm({ threads: 1 }).open()],
];
const settings: ModelOptions[] = [
  ...kinds.map(({ name }): ModelOptions => ({
    attention: name,
    gate: name === 'wall' ? 'vector' : 'data',
    slidingWindow: 40,
  })),
  variants.conformal,
  { gate: 'vector', rotary: 'pair', keyValueHeads: 1 },
  { ...variants.sympow, attention: ['power', 'softmax'] },
  { ...variants.gated, attention: ['window', 'delta', 'power'], layers: 3, slidingWindow: 25 },
];

describe.each(backends)('tokens from recordings on %s', (_, backend) => {
  /** What is generated, with or without recordings, and how many times the door let a product through. */
  async function write(options: ModelOptions, recorded: boolean, generation: GenerateOptions) {
    const model = livelyModel(backend, tinyConfig(options));
    const { kernels } = backend;
    let products = 0;
    const matmul: typeof kernels.matmul = (args) => (products++, kernels.matmul(args));
    Object.defineProperty(backend, 'kernels', { value: { ...kernels, matmul }, configurable: true });
    if (!recorded) Object.defineProperty(backend, 'record', { value: undefined, configurable: true });
    const choices: unknown[] = [];
    for await (const choice of generate(model, generation)) choices.push(choice);
    Object.defineProperty(backend, 'kernels', { value: kernels, configurable: true });
    if (!recorded) Reflect.deleteProperty(backend, 'record');
    model.dispose();
    return { choices, products };
  }

  it.each(settings)('are the same to the last bit as without, and leave nothing: %j', async (options) => {
    // A cache has grown by then, and what was recorded on a smaller one is gone.
    const generation = { prompt: [1, 2, 3, 4], maxTokens: 280, seed: 4 };
    const { liveBuffers } = backend.memory();
    const [plain, recorded] = [await write(options, false, generation), await write(options, true, generation)];
    expect(recorded.choices).toEqual(plain.choices);
    expect(recorded.products).toBeLessThan(plain.products / 8);
    expect(backend.memory().liveBuffers).toBe(liveBuffers);
  });

  it.each([3, 65])('begin at once where layers of several kinds have read a prompt of %i tokens', async (length) => {
    const options: ModelOptions = { ...variants.gated, attention: ['power', 'delta', 'softmax'], layers: 3 };
    const generation = { prompt: new Array<number>(length).fill(1), maxTokens: 40, seed: 4 };
    const [plain, recorded] = [await write(options, false, generation), await write(options, true, generation)];
    expect(recorded.choices).toEqual(plain.choices);
    expect(recorded.products).toBeLessThan(plain.products / 4);
  });

  it('in a full batch too', async () => {
    const model = livelyModel(backend, tinyConfig(variants.conformal));
    const run = async () => {
      const batch = new Batch(model, { capacity: 2 });
      const rows = [[1], [2, 3, 4]].map((prompt) => batch.join({ prompt, maxTokens: 140 }));
      const choices: unknown[] = [];
      for await (const { row, ...event } of batch.run()) choices.push({ ...event, row: rows.indexOf(row) });
      batch.dispose();
      return choices;
    };
    const recorded = await run();
    Object.defineProperty(backend, 'record', { value: undefined, configurable: true });
    expect(recorded).toEqual(await run());
    Reflect.deleteProperty(backend, 'record');
  });
});
