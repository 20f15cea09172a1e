import { ConfigError } from '@sympow/kernels';
import { modelConfig, variants, type ModelOptions } from '@sympow/model';
import { describe, expect, it } from 'vitest';
import { modelCosts, trainingFlops } from './costs';

const shape = { vocabSize: 100, hiddenSize: 8, layers: 3, heads: 4, keyValueHeads: 2, headSize: 6 };
const costs = (settings: ModelOptions, context = 64) => modelCosts(modelConfig({ ...shape, ...settings }), { context });
// q and o, k and v, the MLP, and the logits.
const weights = 3 * (2 * 24 * 8 + 2 * 12 * 8 + 2 * 32 * 8) + 100 * 8;

describe('costs of a model', () => {
  it('count two operations for each weight of a product', () => {
    expect(costs(variants.sympow).weightFlops).toBe(2 * weights);
    expect(costs({ ...variants.sympow, tieEmbeddings: false }).weightFlops).toBe(2 * weights);
    expect(costs({ ...variants.sympow, bias: true, queryKeyNorm: true }).weightFlops).toBe(2 * weights);
    // A gate and a β per key/value head.
    expect(costs(variants.conformal).weightFlops).toBe(2 * (weights + 3 * 2 * 2 * 8));
  });

  it('count what the state takes, which the context does not change', () => {
    const D = (6 * 7) / 2;
    const { stateFlops, weightToState } = costs(variants.sympow);
    expect(stateFlops).toBe(3 * (2 + 4) * 2 * D * 7);
    expect(weightToState).toBe((2 * weights) / stateFlops);
    expect(costs(variants.sympow, 4096)).toEqual({
      ...costs(variants.sympow),
      cacheBytes: costs(variants.softmax, 4096).cacheBytes,
    });
    expect(costs({ ...variants.sympow, power: 4 }).stateFlops).toBe((stateFlops / D) * 126);
  });

  it('count what softmax takes on the average over the context', () => {
    const { stateFlops, stateBytes, cacheBytes } = costs(variants.softmax, 5);
    // 1, 2 … 5 tokens are seen.
    expect(stateFlops).toBe((3 * 4 * 2 * 12 * 15) / 5);
    expect(stateBytes).toBe(0);
    expect(costs(variants.softmax, 10).cacheBytes - cacheBytes).toBeGreaterThan(0);
  });

  it('of training are three times those of reading, in the form that is taken', () => {
    const p4 = modelConfig({ ...shape, ...variants.sympow, power: 4 });
    const { weightFlops, stateFlops } = modelCosts(p4, { context: 64 });
    // Half of 64 × 64 scores and values of 6 + 6 numbers, two operations each; the state is not needed.
    expect(trainingFlops(p4, { context: 64 })).toBe(3 * (2 * weights + 3 * 4 * 64 * 12));
    expect(trainingFlops(p4, { context: 4096 })).toBe(3 * (2 * weights + 3 * 4 * 64 * 12 + stateFlops));
    expect(trainingFlops(p4, { context: 4096, chunk: 128 })).toBe(3 * (2 * weights + 3 * 4 * 128 * 12 + stateFlops));
    expect(trainingFlops(p4, { context: 64, form: 'recurrent' })).toBe(3 * (weightFlops + stateFlops));
    const softmax = modelConfig({ ...shape, ...variants.softmax });
    const { stateFlops: looks } = modelCosts(softmax, { context: 64 });
    expect(trainingFlops(softmax, { context: 64 })).toBe(3 * (weightFlops + looks));
  });

  it('need a context', () => {
    expect(() => costs({}, 0)).toThrow(ConfigError);
  });
});
