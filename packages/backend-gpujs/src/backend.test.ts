import { BackendError, ConfigError, js, OutOfMemoryError, type Backend, type Tensor } from '@sympow/kernels';
import { GPU } from 'gpu.js';
import { describe, expect, it } from 'vitest';
import { gpujs } from './backend';
import { Machine } from './machine';
import { openMachine } from './modes';
import { selfCheck } from './selfCheck';

async function opened<R>(options: Parameters<typeof gpujs>[0], body: (backend: Backend) => R | Promise<R>): Promise<R> {
  const backend = await gpujs(options).open();
  try {
    return await body(backend);
  } finally {
    await backend.close();
  }
}

describe('gpujs()', () => {
  it('refuses modes that it does not know', () => {
    expect(() => gpujs({ mode: 'webgl' as never })).toThrow(ConfigError);
  });

  it('takes WebAssembly where there is no WebGL 2, and says why', () =>
    opened({}, ({ capabilities }) => {
      expect(capabilities.notes.join()).toMatch(/WebAssembly with SIMD.*not webgl2: .*no WebGL 2/);
    }));

  it('refuses a mode that is not there when it is named', async () => {
    await expect(gpujs({ mode: 'webgl2' }).open()).rejects.toThrow(BackendError);
  });

  it('refuses tensors with more numbers than a float32 counts', () =>
    opened({ mode: 'cpu' }, (backend) => {
      expect(() => backend.empty([2 ** 24 + 1])).toThrow(OutOfMemoryError);
      expect(() => backend.empty([2 ** 24 + 1])).toThrow('67108864');
    }));

  it('keeps wide integers that are uploaded, compares with them, and refuses to compute with them', () =>
    opened({ mode: 'webasm' }, async (backend) => {
      const wide = Int32Array.of(3, 2 ** 31 - 1, -(2 ** 24) - 1);
      const ids = backend.upload(wide, [3]);
      expect(await ids.read()).toEqual(wide);
      const [weight, y] = [backend.upload([1, 2, 3, 4], [4, 1]), backend.empty([3, 1])];
      backend.kernels.embed({ ids, weight, y });
      expect([...(await y.read())]).toEqual([4, NaN, NaN]);
      expect(() => backend.kernels.cast({ x: ids, y: backend.empty([3]) })).toThrow(ConfigError);
      expect(() => backend.kernels.cast({ x: ids, y: backend.empty([3]) })).toThrow('2147483647');
      const narrow = backend.upload(Int32Array.of(2 ** 24, -(2 ** 24), 0), [3]);
      const whole = backend.empty([3]);
      backend.kernels.cast({ x: narrow, y: whole });
      expect([...(await whole.read())]).toEqual([2 ** 24, -(2 ** 24), 0]);
    }));

  it('gives back what a tensor held when it is disposed of', () =>
    opened({ mode: 'webasm' }, (backend) => {
      const x = backend.upload(new Float32Array(1000), [1000]);
      const { host } = x.handle as { host: unknown };
      expect(host).toBeDefined();
      x.dispose();
      expect((x.handle as { host: unknown }).host).toBeUndefined();
      expect(backend.memory().pooledBytes).toBe(0);
    }));
});

describe('a machine', () => {
  it('compiles a kernel once for each set of sizes', () => {
    const { machine } = openMachine('webasm');
    const before = machine.compiled;
    const run = (n: number) => machine.temporary(twice, [n], { n });
    run(5);
    run(5);
    expect(machine.compiled).toBe(before + 1);
    run(6);
    expect(machine.compiled).toBe(before + 2);
    return machine.close();
  });

  it('refuses results that gpu.js computed by other means', () => {
    const machine = new Machine('webasm', new GPU({ mode: 'cpu' }));
    expect(() => machine.temporary(twice, [1], { n: 1 })).toThrow(BackendError);
  });

  it('is not opened where it computes wrong', () => {
    const { machine } = openMachine('cpu');
    selfCheck(machine);
    const read = machine.read.bind(machine);
    machine.read = (storage) => read(storage).map((x) => x * (1 + 1e-4));
    expect(() => selfCheck(machine)).toThrow(/a sum over rows on mode cpu of the gpujs backend is 4\.000/);
    return machine.close();
  });
});

function twice(this: { constants: { n: number } }): number {
  return 2 * this.constants.n;
}

/** Numbers that no test depends on in detail. */
const noise = (size: number, seed: number) => Float32Array.from({ length: size }, (_, i) => Math.sin(12.9 * i + seed));

/** Attention over so many tokens that its scores take more than one block of rows, and its gradient. */
async function longAttention(backend: Backend): Promise<Float32Array[]> {
  const T = 2100;
  const made = (shape: number[], seed: number) =>
    backend.upload(
      noise(
        shape.reduce((a, b) => a * b),
        seed,
      ),
      shape,
    );
  const [q, k, v, dy] = [1, 2, 3, 4].map((seed) => made([1, T, 1, 2], seed)) as [Tensor, Tensor, Tensor, Tensor];
  const logGate = backend.upload(
    noise(T, 5).map((x) => -0.01 - 0.01 * Math.abs(x)),
    [1, T, 1],
  );
  const empty = (...shape: number[]) => backend.empty(shape);
  const gates = { A: empty(2, 1, T, 1), start: backend.empty([1, T, 1], 'int32') };
  backend.kernels.gateSum({ logGate, chunk: T, ...gates });
  const [num, den, rowMax] = [empty(1, T, 1, 2), empty(1, T, 1), empty(1, T, 1)];
  const power = { power: 2, chunk: T, q, k, v, gates };
  backend.kernels.powerAttention({ ...power, num, den, rowMax });
  const gradients = () => ({ dq: empty(1, T, 1, 2), dk: empty(1, T, 1, 2), dv: empty(1, T, 1, 2), dA: empty(1, T, 1) });
  const ofPower = gradients();
  backend.kernels.powerAttentionBackward({ ...power, rowMax, dnum: dy, dden: den, ...ofPower });
  const [y, logSum] = [empty(1, T, 1, 2), empty(1, T, 1)];
  backend.kernels.softmaxAttention({ q, k, v, gates, y, logSum });
  const ofSoftmax = gradients();
  backend.kernels.softmaxAttentionBackward({ q, k, v, gates, y, logSum, dy, ...ofSoftmax });
  const outputs = [num, den, rowMax, ...Object.values(ofPower), y, logSum, ...Object.values(ofSoftmax)];
  return Promise.all(outputs.map(async (tensor) => (await tensor.read()) as Float32Array));
}

it('attention in several blocks of rows is attention', { timeout: 60_000 }, async () => {
  const expected = await longAttention(await js().open());
  const actual = await opened({ mode: 'webasm' }, longAttention);
  actual.forEach((numbers, output) => {
    const difference = Math.hypot(...numbers.map((x, i) => x - expected[output]![i]!));
    expect(difference / Math.hypot(...expected[output]!), `output ${output}`).toBeLessThan(2e-5);
  });
});
