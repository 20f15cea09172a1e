// Training a part of a model's weights, or additions to them, and nothing else.

import { textSource } from '@sympow/data';
import { js } from '@sympow/kernels';
import { latestCheckpoint, loadAdapted, lora, memoryStorage, Model, modelConfig } from '@sympow/model';
import { expect, it } from 'vitest';
import { AdamW } from './adamw';
import type { TrainingOptions } from './api';
import { train } from './train';

const backend = await js().open();
const data = textSource('abcdefghijklm'.repeat(40));
const config = modelConfig({ vocabSize: 256, hiddenSize: 16, layers: 2, heads: 2, headSize: 8 });

const weightsOf = async ({ parameters }: Model) =>
  new Map(await Promise.all([...parameters].map(async ([name, { value }]) => [name, await value.read()] as const)));

/** The losses of a run. */
async function losses(options: Pick<TrainingOptions, 'model' | 'steps'> & Partial<TrainingOptions>): Promise<number[]> {
  const found: number[] = [];
  for await (const event of train({ data, batch: 4, context: 16, learningRate: 0.02, decaySteps: 30, ...options })) {
    if (event.type === 'step') found.push(event.loss);
  }
  return found;
}

it('weights that are not trained are the same to the last bit, and have no moments', async () => {
  const trainable = (name: string) => name.includes('layers.1.');
  const model = Model.create(backend, config, { seed: 1, trainable });
  const before = await weightsOf(model);
  const [first, ...rest] = await losses({ model, steps: 30, weightDecay: 0.5 });
  expect(rest.at(-1)).toBeLessThan(first!);
  for (const [name, values] of await weightsOf(model)) {
    if (trainable(name)) expect(values, name).not.toEqual(before.get(name));
    else expect(values, name).toEqual(before.get(name));
  }
  const optimizer = new AdamW(backend, model.trained, model.decays);
  expect([...optimizer.moments.keys()]).toEqual([...model.parameters.keys()].filter(trainable));
  optimizer.dispose();
  model.dispose();
});

it('a model of which nothing is trained is refused', () => {
  const model = Model.create(backend, config, { trainable: () => false });
  expect(() => train({ model, data, batch: 4, context: 16, steps: 1 })).toThrow(/^trainable weights is 0/);
  model.dispose();
});

it('low-rank additions learn, leave the weights alone, are saved by themselves and go on where they stopped', async () => {
  const base = Model.create(backend, config, { seed: 1 });
  const before = await weightsOf(base);
  const options = { rank: 4, targets: ['q_proj', 'v_proj', 'up_proj', 'down_proj'] } as const;
  const whole = lora(base, options);
  const expected = await losses({ model: whole, steps: 30 });
  expect(expected.at(-1)).toBeLessThan(expected[0]! - 0.1);
  expect(await weightsOf(base)).toEqual(before);

  const storage = memoryStorage();
  const checkpoints = { storage, every: 10 };
  const begun = lora(base, options);
  await losses({ model: begun, steps: 10, checkpoints });
  await expect(losses({ model: lora(base, { ...options, alpha: 1 }), steps: 30, checkpoints })).rejects.toThrow(
    /^model: adapter/,
  );
  await expect(losses({ model: base, steps: 30, checkpoints })).rejects.toThrow(/^model: adapter/);
  const resumed = lora(base, options);
  expect(await losses({ model: resumed, steps: 30, checkpoints })).toEqual(expected.slice(10));
  const back = await loadAdapted(base, (await latestCheckpoint(storage))!.storage);
  expect([...back.parameters.keys()].every((name) => name.includes('.lora_'))).toBe(true);
  expect(await weightsOf(back)).toEqual(await weightsOf(whole));
});
