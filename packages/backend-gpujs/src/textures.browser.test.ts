import { textSource } from '@sympow/data';
import { Model, modelConfig, variants } from '@sympow/model';
import { train } from '@sympow/training';
import { expect, it } from 'vitest';
import { gpujs } from './backend';

/** Textures of every context of this page that were made and not given back. */
let live = 0;
const { createTexture, deleteTexture } = WebGL2RenderingContext.prototype;
WebGL2RenderingContext.prototype.createTexture = function () {
  live++;
  return createTexture.call(this);
};
WebGL2RenderingContext.prototype.deleteTexture = function (texture) {
  if (texture && this.isTexture(texture)) live--;
  deleteTexture.call(this, texture);
};

it('200 training steps leave no texture behind, and learn', { timeout: 300_000 }, async () => {
  const backend = await gpujs({ mode: 'webgl2' }).open();
  const config = modelConfig({
    ...variants.conformal,
    vocabSize: 256,
    hiddenSize: 8,
    layers: 1,
    heads: 1,
    headSize: 4,
  });
  const model = Model.create(backend, config, { seed: 1 });
  const data = textSource('to be or not to be. '.repeat(100));
  const textures: number[] = [];
  const buffers: number[] = [];
  const losses: number[] = [];
  for await (const event of train({ model, data, batch: 2, context: 16, steps: 200, learningRate: 2e-2 })) {
    if (event.type !== 'step') continue;
    textures.push(live);
    buffers.push(backend.memory().liveBuffers);
    losses.push(event.loss);
  }
  expect(losses).toHaveLength(200);
  expect(losses.at(-1)).toBeLessThan(losses[0]! / 2);
  expect(new Set(buffers.slice(2))).toEqual(new Set([buffers[2]]));
  expect(new Set(textures.slice(2))).toEqual(new Set([textures[2]]));
  await backend.close();
});
