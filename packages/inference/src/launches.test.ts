// Kernels that are launched while a text is written.
import { countLaunches } from '@sympow/conformance';
import { js } from '@sympow/kernels';
import { livelyModel, tinyConfig } from '@sympow-tools/tiny';
import { expect, it } from 'vitest';
import { generate } from './generate';

it('no token launches more than the first one that is read alone, wherever the text is', async () => {
  await using backend = await js().open();
  const { launches, reset } = countLaunches(backend);
  using model = livelyModel(backend, tinyConfig());
  const perToken: number[] = [];
  for await (const _ of generate(model, { prompt: [1, 2, 3], maxTokens: 40, temperature: 0 })) {
    perToken.push([...launches().values()].reduce((sum, count) => sum + count, 0));
    reset();
  }
  // The first token follows the prompt. A step that was recorded launches nothing by itself.
  const [, alone = 0, ...later] = perToken;
  expect(alone).toBeGreaterThan(0);
  expect(Math.max(...later)).toBeLessThanOrEqual(alone);
});

it('what was counted is forgotten, and counting ends', async () => {
  await using backend = await js().open();
  const [x, y] = [backend.upload([1, 2], [2]), backend.empty([2])];
  const { launches, reset, stop } = countLaunches(backend);
  backend.kernels.add({ a: x, b: x, y });
  backend.kernels.add({ a: x, b: y, y });
  expect([...launches()]).toEqual([['add', 2]]);
  expect(await y.read()).toEqual(Float32Array.of(3, 6));
  reset();
  stop();
  backend.kernels.add({ a: x, b: x, y });
  expect(launches().size).toBe(0);
});
