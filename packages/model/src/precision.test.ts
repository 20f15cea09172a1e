import { Tape } from '@sympow/autograd';
import { js, type Backend, type Tensor } from '@sympow/kernels';
import { expect, it } from 'vitest';
import { memoryStorage, loadModel, Model, modelConfig, modelSize, saveModel, variants, type WeightType } from './index';

const config = modelConfig({ ...variants.conformal, vocabSize: 19, hiddenSize: 16, layers: 2, heads: 2, headSize: 8 });
const gateOrPhase = /gate_proj\.weight$|beta_proj/;
const isMatrix = (name: string, { shape }: Tensor) =>
  shape.length === 2 && !(name.includes('self_attn') && gateOrPhase.test(name));

function logitsOf(model: Model): Float64Array {
  const { backend } = model;
  return backend.scope(() => {
    const tokens = backend.upload(Int32Array.of(1, 5, 2, 18, 0, 7), [2, 3]);
    return Float64Array.from(backend.readSync!(model.forward(new Tape(backend, { record: false }), tokens).value));
  });
}

const apart = (a: Float64Array, b: Float64Array) => Math.hypot(...a.map((x, i) => x - b[i]!)) / Math.hypot(...b);

const liveBytes = (backend: Backend) => backend.memory().liveBytes;

it.each(['float16', 'bfloat16'] as const)(
  'matrices kept in %s take half the memory, and nothing else is one',
  async (type) => {
    const backend = await js().open();
    using whole = Model.create(backend, config, { seed: 3 });
    const before = liveBytes(backend);
    using half = Model.create(backend, config, { seed: 3, precision: { weights: type, masters: type } });
    expect(liveBytes(backend) - before).toBeLessThan(0.7 * before);
    for (const [name, { value, requiresGradient }] of half.parameters) {
      expect([name, value.dtype]).toEqual([name, isMatrix(name, value) ? type : 'float32']);
      expect(requiresGradient).toBe(value.dtype === 'float32');
    }
    const error = apart(logitsOf(half), logitsOf(whole));
    expect(error).toBeGreaterThan(1e-6);
    expect(error).toBeLessThan(type === 'float16' ? 2e-3 : 2e-2);
  },
);

it('masters of float32 are rounded for products as kept halves are, and are trained', async () => {
  const backend = await js().open();
  const precision = 'bfloat16';
  using mixed = Model.create(backend, { ...config, tieEmbeddings: false }, { seed: 3, precision });
  using plain = Model.create(backend, { ...config, tieEmbeddings: false }, { seed: 3 });
  expect([...mixed.parameters.values()].every(({ value }) => value.dtype === 'float32')).toBe(true);
  expect(apart(logitsOf(mixed), logitsOf(plain))).toBeGreaterThan(1e-4);
  const gradients = [mixed, plain].map((model) => {
    const before = backend.memory().liveBuffers;
    const result = backend.scope(() => {
      const tape = new Tape(backend);
      const [tokens, targets] = [
        backend.upload(Int32Array.of(1, 5, 2, 18), [1, 4]),
        backend.upload(Int32Array.of(5, 2, 18, 3), [1, 4]),
      ];
      const loss = model.loss(tape, tokens, targets);
      tape.backward([[loss, backend.upload([1, 1, 1, 1], [1, 4])]]);
      const { parameters } = model;
      return [...parameters.values()].flatMap((each) => [...backend.readSync!(tape.gradient(each)!)]);
    });
    expect(backend.memory().liveBuffers).toBe(before);
    return Float64Array.from(result);
  }) as [Float64Array, Float64Array];
  expect(apart(...gradients)).toBeLessThan(0.1);
});

it('a checkpoint holds the types that the model keeps, and loads into others', async () => {
  const backend = await js().open();
  const precision = { weights: 'bfloat16', masters: 'bfloat16' } as const;
  using half = Model.create(backend, config, { seed: 3, precision });
  const [small, large] = [memoryStorage(), memoryStorage()];
  await saveModel(small, half);
  using wide = await loadModel(backend, small);
  await saveModel(large, wide);
  const size = (storage: typeof small) => storage.size('model.safetensors');
  expect(await size(small)).toBeLessThan(0.7 * (await size(large))!);
  using again = await loadModel(backend, large, { precision });
  expect([...logitsOf(again)]).toEqual([...logitsOf(half)]);
});

it('sizes count bytes by type', () => {
  const shape = { batch: 1, context: 8 };
  const bytes = (weights: WeightType, masters?: WeightType) =>
    modelSize(config, shape, { precision: { weights, ...(masters && { masters }) } }).weightBytes;
  expect(bytes('float32')).toBe(4 * modelSize(config, shape).parameters);
  expect(bytes('float16')).toBe(bytes('float32'));
  expect(bytes('float16', 'float16')).toBeLessThan(0.6 * bytes('float32'));
});

it('types that there are not, and masters that are rounded otherwise, are refused', async () => {
  const backend = await js().open();
  const create = (precision: object | string) => () =>
    Model.create(backend, config, { precision: precision as 'float16' });
  expect(create('float8')).toThrow(/^precision: weights is "float8"; expected float32, float16, bfloat16/);
  expect(create({ weights: 'float16', masters: 'bfloat16' })).toThrow(
    /^precision: masters is "bfloat16"; expected float32, or float16/,
  );
  expect(create({ weight: 'float16' })).toThrow(/weight/);
  expect(backend.memory().liveBuffers).toBe(0);
});
