import { js, type Backend } from '@sympow/kernels';
import { livelyModel, tinyConfig } from '@sympow-tools/tiny';
import { describe, expect, it } from 'vitest';
import { loadModel, loadWeights, saveModel } from './checkpoint';
import { fingerprintOf, weightsChanged } from './fingerprint';
import { Model } from './model';
import { memoryStorage } from '@sympow/storage';

const backend = await js().open();
const config = tinyConfig();
const model = livelyModel(backend, config);

describe('the fingerprint of a model', () => {
  const reload = async (of: Model, on: Backend = backend) => {
    const storage = memoryStorage();
    await saveModel(storage, of);
    return loadModel(on, storage);
  };

  it('is that of its configuration and weights, wherever they lie', async () => {
    const own = await fingerprintOf(model);
    expect(own).toMatch(/^[0-9a-f]{32}$/);
    expect(await fingerprintOf(await reload(model))).toBe(own);
    const others = [
      Model.create(backend, config, { seed: 1 }),
      Model.create(backend, config, { seed: 2 }),
      livelyModel(backend, tinyConfig({ rotaryHorizon: 101 })),
    ];
    expect(new Set([own, ...(await Promise.all(others.map(fingerprintOf)))]).size).toBe(4);
  });

  it('is computed once, and anew when the weights have changed', async () => {
    const mine = await reload(model);
    const other = memoryStorage();
    await saveModel(other, Model.create(backend, config, { seed: 1 }));
    const own = await fingerprintOf(mine);
    const { value } = mine.parameters.get('model.norm.weight')!;
    let reads = 0;
    const { read } = value;
    value.read = () => (reads++, read.call(value));
    expect([await fingerprintOf(mine), reads]).toEqual([own, 0]);
    await loadWeights(mine, other);
    const loaded = await fingerprintOf(mine);
    expect([loaded === own, reads]).toEqual([false, 1]);
    backend.write(value, new Float32Array(value.size).fill(2));
    weightsChanged(mine);
    expect(await fingerprintOf(mine)).not.toBe(loaded);
  });
});
