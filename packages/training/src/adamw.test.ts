import { parameter, type Variable } from '@sympow/autograd';
import { ConfigError, js, type Backend } from '@sympow/kernels';
import { beforeAll, describe, expect, it } from 'vitest';
import { AdamW, type AdamWOptions } from './adamw';

let backend: Backend;
beforeAll(async () => {
  backend = await js({ float: 'float64' }).open();
});

const matrix = 'matrix.weight';
const vector = 'vector.weight';
const decays = new Map([
  [matrix, true],
  [vector, false],
]);

function open(options: AdamWOptions = {}) {
  const parameters = new Map<string, Variable>([
    [matrix, parameter(backend.upload([1, -2], [1, 2]))],
    [vector, parameter(backend.upload([3], [1]))],
  ]);
  const optimizer = new AdamW(backend, parameters, decays, options);
  const update = async (gradients: number[][], learningRate: number) => {
    const tensors = gradients.map((numbers, i) => backend.upload(numbers, [...parameters.values()][i]!.value.shape));
    const [squaredNorm] = await optimizer.update(tensors, learningRate).read();
    return squaredNorm;
  };
  const weights = async () => [
    ...(await parameters.get(matrix)!.value.read()),
    ...(await parameters.get(vector)!.value.read()),
  ];
  return { optimizer, update, weights };
}

describe('AdamW', () => {
  it('moves every weight by the learning rate in its first update, whatever the size of the gradient', async () => {
    const { update, weights } = open({ weightDecay: 0, clip: Infinity });
    expect(await update([[5, -0.01], [100]], 0.1)).toBeCloseTo(10_025.0001, 8);
    const moved = await weights();
    [0.9, -1.9, 2.9].forEach((weight, i) => expect(moved[i]).toBeCloseTo(weight, 6));
  });

  it('follows the formulas over several updates', async () => {
    const options = { beta1: 0.8, beta2: 0.9, eps: 1e-3, weightDecay: 0.25, clip: Infinity };
    const { update, weights } = open(options);
    let [w, m, v] = [1, 0, 0];
    for (const [i, g] of [2, -1, 0.5, 0].entries()) {
      await update([[g, 0], [0]], 0.1);
      m = 0.8 * m + 0.2 * g;
      v = 0.9 * v + 0.1 * g * g;
      const mean = m / (1 - 0.8 ** (i + 1));
      const square = v / (1 - 0.9 ** (i + 1));
      w = w * (1 - 0.1 * 0.25) - (0.1 * mean) / (Math.sqrt(square) + 1e-3);
    }
    expect((await weights())[0]).toBeCloseTo(w, 12);
  });

  it('shrinks matrices only: without gradients by (1 − learningRate·weightDecay)', async () => {
    const { update, weights } = open({ weightDecay: 0.5 });
    await update([[0, 0], [0]], 0.2);
    await update([[0, 0], [0]], 0.2);
    const left = await weights();
    [0.81, -1.62, 3].forEach((weight, i) => expect(left[i]).toBeCloseTo(weight, 14));
  });

  it('clips by the norm of all gradients together, and reports the norm before', async () => {
    const clipped = open({ clip: 2.6, eps: 1, weightDecay: 0 });
    const scaled = open({ clip: Infinity, eps: 1, weightDecay: 0 });
    expect(await clipped.update([[3, 4], [12]], 1)).toBe(169);
    await scaled.update([[0.6, 0.8], [2.4]], 1);
    const expected = await scaled.weights();
    (await clipped.weights()).forEach((weight, i) => expect(weight).toBeCloseTo(expected[i]!, 6));
  });

  it('does not touch gradients within the norm', async () => {
    const clipped = open({ clip: 13.1, eps: 1 });
    const scaled = open({ clip: Infinity, eps: 1 });
    await clipped.update([[3, 4], [12]], 1);
    await scaled.update([[3, 4], [12]], 1);
    expect(await clipped.weights()).toEqual(await scaled.weights());
  });

  it.each([NaN, Infinity])('changes nothing when a gradient is %d', async (odd) => {
    const { optimizer, update, weights } = open();
    await update([[1, 1], [1]], 0.1);
    const before = [await weights(), ...(await Promise.all([...optimizer.tensors().values()].map((t) => t.read())))];
    await update([[1, odd], [1]], 0.1);
    const after = [await weights(), ...(await Promise.all([...optimizer.tensors().values()].map((t) => t.read())))];
    expect(after).toEqual(before);
  });

  it('names its moments after the parameters, and gives them back', async () => {
    const before = backend.memory().liveBuffers;
    const { optimizer } = open();
    expect([...optimizer.tensors().keys()]).toEqual([`m.${matrix}`, `v.${matrix}`, `m.${vector}`, `v.${vector}`]);
    expect(await optimizer.tensors().get(`v.${matrix}`)!.read()).toEqual(new Float64Array(2));
    optimizer.dispose();
    expect(backend.memory().liveBuffers - before).toBe(2);
  });

  it.each([
    { beta1: 1 },
    { beta1: -0.1 },
    { beta2: NaN },
    { eps: 0 },
    { weightDecay: -1 },
    { weightDecay: Infinity },
    { clip: 0 },
    { clip: NaN },
  ])('refuses %o', (wrong) => {
    expect(() => open(wrong)).toThrow(ConfigError);
    expect(() => open(wrong)).toThrow(Object.keys(wrong)[0]);
  });
});
