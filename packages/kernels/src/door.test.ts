import { expect, it } from 'vitest';
import type { Kernels } from './api';
import { kernelNames } from './catalogue';
import { checked, type UncheckedKernels } from './checked';
import { ConfigError, ShapeError } from './errors';
import { js } from './js';
import type { Sizes } from './sizes';

/** Kernels that keep what the door hands them. */
async function recording() {
  const backend = await js().open();
  const seen: Sizes[] = [];
  const record = (_: unknown, sizes: Sizes) => void seen.push(sizes);
  const kernels = Object.fromEntries(kernelNames.map((name) => [name, record]));
  return { backend, seen, kernels: checked(kernels as unknown as UncheckedKernels, backend) };
}

it('a kernel is handed the sizes that the door read from its tensors', async () => {
  const { backend, seen, kernels } = await recording();
  const t = (...shape: number[]) => backend.empty(shape);
  const [k, v] = [t(2, 5, 3, 4), t(2, 5, 3, 6)];
  kernels.updateState({ power: 2, chunk: 2, k, v, deltaS: t(2, 3, 3, 10, 6), deltaZ: t(2, 3, 3, 10) });
  const { B, T, G, d, e, D, n, H } = seen[0]!;
  expect({ B, T, G, d, e, D, n, H }).toEqual({ B: 2, T: 5, G: 3, d: 4, e: 6, D: 10, n: 3, H: -1 });
  kernels.crossEntropy({ logits: t(2, 5, 7), targets: backend.empty([2, 5], 'int32'), loss: t(2, 5) });
  expect([seen[1]!.rows, seen[1]!.V]).toEqual([10, 7]);
  kernels.queryWindow({
    ...{ power: 2, normalizer: 'sum', q: t(1, 2, 3), k: t(1, 4, 1, 3), v: t(1, 4, 1, 5) },
    ...{ count: backend.empty([1], 'int32'), S: t(1, 1, 6, 5), Z: t(1, 1, 6), y: t(1, 2, 5) },
  });
  expect([seen[2]!.C, seen[2]!.H, seen[2]!.D]).toEqual([4, 2, 6]);
});

it('what one call bound does not bind the next, also after a call that was refused', async () => {
  const { backend, seen, kernels } = await recording();
  const t = (...shape: number[]) => backend.empty(shape);
  kernels.add({ a: t(2, 3), b: t(2, 3), y: t(2, 3) });
  expect(() => kernels.add({ a: t(4), b: t(5), y: t(4) })).toThrow(ShapeError);
  kernels.add({ a: t(), b: t(), y: t() });
  expect(seen.map(({ rows }) => rows)).toEqual([6, 1]);
});

it('an option that a kernel cannot do without is missed at the door', async () => {
  const { backend, kernels } = await recording();
  const x = backend.empty([4]);
  const without: [keyof Kernels, object, string][] = [
    ['layerNorm', { x, y: x }, 'layerNorm: eps is undefined'],
    ['fill', { y: x }, 'fill: value is undefined'],
    ['copyBlock', { x, y: x }, 'copyBlock: count is undefined'],
    ['queryWindow', {}, 'queryWindow: power is undefined'],
  ];
  for (const [name, args, message] of without) {
    const call = () => (kernels[name] as (args: object) => void)(args);
    expect(call).toThrow(ConfigError);
    expect(call).toThrow(message);
  }
});

it('a list that is none is named', async () => {
  const { backend, kernels } = await recording();
  const y = backend.empty([1]);
  expect(() => kernels.squaredNorm({ xs: y as never, y })).toThrow('squaredNorm: xs is');
});

it('halves go wherever an argument need not be wide, and what is written is rounded once', async () => {
  const backend = await js().open();
  const before = backend.memory().liveBuffers;
  const [a, b] = [backend.upload([1, 1 / 3], [2], 'bfloat16'), backend.upload([2 ** -9, 2 ** -9], [2], 'float16')];
  const y = backend.empty([2], 'float16');
  backend.kernels.add({ a, b, y });
  expect([...backend.readSync!(y)]).toEqual([1 + 2 ** -9, 0.3359375]);
  // An output that is an input, and one that is added to.
  backend.kernels.add({ a: y, b: y, y });
  expect(backend.readSync!(y)[0]).toBe(2 + 2 ** -8);
  const [one, sum] = [backend.upload([1], [1, 1], 'float16'), backend.upload([3], [1, 1], 'bfloat16')];
  backend.kernels.matmul({ a: one, b: one, accumulate: true, y: sum });
  expect([...backend.readSync!(sum)]).toEqual([4]);
  [a, b, y, one, sum].forEach((tensor) => tensor.dispose());
  expect(backend.memory().liveBuffers).toBe(before);
});

it('wide arguments refuse halves', async () => {
  const backend = await js().open();
  const t = (dtype: 'float32' | 'bfloat16') => backend.empty([3], dtype);
  const call = () => backend.kernels.logSigmoid({ x: t('bfloat16'), y: t('bfloat16') });
  expect(call).toThrow(
    /^logSigmoid: dtype of y is "bfloat16"; expected float32 or float64, as this argument must be wide/,
  );
  expect(() => backend.kernels.logSigmoid({ x: t('bfloat16'), y: t('float32') })).not.toThrow();
  const lists = { weights: [t('bfloat16')], grads: [t('bfloat16')], m: [t('float32')], v: [t('float32')] };
  const rest = { learningRate: 1, beta1: 0.9, beta2: 0.9, eps: 1, step: 1, clip: 1, weightDecay: [0] };
  const squaredNorm = backend.upload([1], [1]);
  expect(() => backend.kernels.adamw({ ...lists, ...rest, squaredNorm })).toThrow(/^adamw: dtype of weights\[0\]/);
  expect(() => backend.kernels.adamw({ ...lists, ...rest, weights: [t('float32')], squaredNorm })).not.toThrow();
});
