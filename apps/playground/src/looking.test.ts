import { js } from '@sympow/kernels';
import { Model, modelConfig, variants, type Variant } from '@sympow/model';
import { expect, it } from 'vitest';
import { numbersOf, sharesOf } from './looking';

it.each(['conformal', 'gated', 'sympow', 'softmax'] as Variant[])(
  '%s: the shares of past tokens are what the values are summed with',
  async (variant) => {
    const backend = await js().open();
    const config = modelConfig({
      ...{ ...variants[variant], vocabSize: 19, hiddenSize: 16, layers: 2, heads: 4, headSize: 4 },
      ...{ keyValueHeads: 2, betaInit: 'normal', initStd: 0.5 },
    });
    const model = Model.create(backend, config, { seed: 3 });
    const live = backend.memory().liveBuffers;
    const ids = Array.from({ length: 23 }, (_, i) => (i * i + 3) % 19);
    const layers = await numbersOf(model, ids);
    expect(layers.length).toBe(2);
    for (const numbers of layers) {
      const { v, y, sizes } = numbers;
      const { T, H, G, d } = sizes;
      const shares = sharesOf(numbers)!;
      for (let n = 0; n < T; n++) {
        for (let h = 0; h < H; h++) {
          for (let i = 0; i < d; i++) {
            let sum = 0;
            for (let j = 0; j <= n; j++)
              sum += shares[(h * T + n) * T + j]! * v[(j * G + Math.floor((h * G) / H)) * d + i]!;
            expect(sum).toBeCloseTo(y[(n * H + h) * d + i]!, 5);
          }
        }
      }
    }
    expect(backend.memory().liveBuffers).toBe(live);
    model.dispose();
    await backend.close();
  },
);
