import { textSource } from '@sympow/data';
import { js, type Backend } from '@sympow/kernels';
import { Model, modelConfig, variants, type Variant } from '@sympow/model';
import { train } from '@sympow/training';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { gpu, missing } from './gpu.cases';
import { webgpu } from './backend';

const data = textSource('the same seed and the same data give the same losses. '.repeat(40));

interface Run {
  readonly variant: Variant;
  readonly steps: number;
  readonly context: number;
  readonly layers?: number;
}

/** The loss of every step, and what `look` says of the backend after it. */
async function lossesOf<R>(backend: Backend, { variant, steps, context, layers = 2 }: Run, look: () => R) {
  const config = modelConfig({ ...variants[variant], vocabSize: 256, hiddenSize: 16, layers, heads: 2, headSize: 8 });
  const model = Model.create(backend, config, { seed: 1, form: 'chunked', chunk: 8 });
  const losses: number[] = [];
  const looks: R[] = [];
  for await (const event of train({ model, data, batch: 2, context, steps, learningRate: 0.01, seed: 1 })) {
    if (event.type !== 'step') continue;
    losses.push(event.loss);
    looks.push(look());
  }
  model.dispose();
  return { losses, looks };
}

describe.skipIf(missing)(`training${missing ? `: ${missing}` : ''}`, () => {
  const opened = missing ? undefined : webgpu({ gpu }).open();
  afterAll(async () => (await opened)?.close());

  it.each(['conformal', 'softmax'] as const)(
    'follows the js backend for 50 steps within 1e-3: %s',
    async (variant) => {
      const run: Run = { variant, steps: 50, context: 20 };
      const { losses } = await lossesOf(await opened!, run, () => undefined);
      const { losses: expected } = await lossesOf(await js().open(), run, () => undefined);
      expect(losses).toHaveLength(50);
      expect(expected.at(-1)).toBeLessThan(expected[0]! - 1);
      losses.forEach((loss, step) => expect(Math.abs(loss - expected[step]!)).toBeLessThan(1e-3));
    },
    300_000,
  );

  const steps = inject('thorough') ? 1000 : 200;
  it(`holds as many buffers after ${steps} steps as after ten`, async () => {
    const backend = await opened!;
    const before = backend.memory().liveBuffers;
    const run: Run = { variant: 'conformal', steps, context: 4, layers: 1 };
    const { looks } = await lossesOf(backend, run, () => {
      const { liveBuffers, allocations } = backend.memory();
      return { liveBuffers, allocations };
    });
    expect(new Set(looks.slice(10).map((look) => JSON.stringify(look))).size).toBe(1);
    expect(backend.memory().liveBuffers).toBe(before);
  }, 300_000);
});
