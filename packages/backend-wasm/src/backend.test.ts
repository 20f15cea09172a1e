import { BackendError, ConfigError, OutOfMemoryError, type Backend } from '@sympow/kernels';
import { describe, expect, it } from 'vitest';
import { wasm } from './backend';
import { hasRelaxedSimd } from './module';

async function opened<R>(options: Parameters<typeof wasm>[0], body: (backend: Backend) => R | Promise<R>): Promise<R> {
  const backend = await wasm(options).open();
  try {
    return await body(backend);
  } finally {
    await backend.close();
  }
}

describe('wasm()', () => {
  it('refuses options out of range', () => {
    const mistakes = [
      { threads: 0 },
      { threads: 1.5 },
      { relaxed: 'yes' as never },
      { wide: true, relaxed: false },
      { maxBytes: 10 },
    ];
    for (const options of mistakes) {
      expect(() => wasm(options)).toThrow(ConfigError);
    }
  });

  it('says which module runs', () =>
    opened({ relaxed: false }, ({ capabilities }) => expect(capabilities.notes.join()).toContain('switched off')));

  it('runs wide tiles where it is asked to, or says that the engine cannot', async () => {
    const open = () => opened({ wide: true }, ({ capabilities }) => capabilities.notes.join());
    if (hasRelaxedSimd()) expect(await open()).toContain('wide tiles');
    else await expect(open()).rejects.toThrow(BackendError);
  });

  it('turns memory that cannot grow into an OutOfMemoryError, and goes on', () =>
    opened({ maxBytes: 2 ** 24 }, async (backend) => {
      const kept = backend.upload([1, 2, 3], [3]);
      const large = () => backend.empty([2 ** 20]);
      const tensors = [large(), large(), large()];
      expect(large).toThrow(OutOfMemoryError);
      expect([...(await kept.read())]).toEqual([1, 2, 3]);
      tensors.forEach((tensor) => tensor.dispose());
      // Another size: the pool gives back what it holds.
      backend.empty([3 * 2 ** 20]).dispose();
    }));

  it('turns work space that does not fit into an OutOfMemoryError, and goes on', () =>
    opened({ maxBytes: 2 ** 24 }, async (backend) => {
      // A share of dweight and dbias for each group of rows.
      const n = 1_000_000;
      const row = () => backend.upload(new Float32Array(n), [1, n]);
      const [wide, dy, dx] = [row(), row(), row()];
      expect(() => backend.kernels.layerNormBackward({ x: wide, dy, eps: 1e-5, dx })).toThrow(OutOfMemoryError);
      const x = backend.upload([1], [1]);
      backend.kernels.add({ a: x, b: x, y: x });
      expect([...(await x.read())]).toEqual([2]);
    }));

  it('keeps tensors while the memory grows under them', () =>
    opened({}, async (backend) => {
      const x = backend.upload([1, 2, 3], [3]);
      for (let i = 0; i < 8; i++) backend.empty([2 ** (16 + (i % 4))]);
      expect([...(await x.read())]).toEqual([1, 2, 3]);
    }));

  it.each([1, 2])('computes beyond the first 2 GiB, with %i threads', (threads) =>
    opened({ threads }, async (backend) => {
      // Pages that nobody writes to cost nothing.
      for (let i = 0; i < 2; i++) backend.empty([3e8]);
      const [a, b, y] = [0.5, 2, 0].map((value) => backend.upload(new Float32Array(90_000).fill(value), [300, 300]));
      expect(y!.handle).toBeGreaterThan(2 ** 31);
      backend.kernels.matmul({ a: a!, b: b!, y: y! });
      expect((await y!.read()).every((x) => x === 300)).toBe(true);
    }),
  );

  // Another 900 backends with what they hold would be 200 MiB at least.
  it.each([
    { threads: 1, rounds: 1000 },
    { threads: 2, rounds: 100 },
  ])(
    'opens and closes $rounds times with $threads threads and leaves nothing behind',
    async ({ threads, rounds }) => {
      const round = () =>
        opened({ threads }, async (backend) => {
          const x = backend.upload(new Float32Array(50_000).fill(1), [50_000]);
          backend.kernels.add({ a: x, b: x, y: x });
          expect((await x.read())[49_999]).toBe(2);
        });
      for (let i = 0; i < rounds / 10; i++) await round();
      const before = process.memoryUsage().rss;
      for (let i = 0; i < rounds * 0.9; i++) await round();
      expect(process.memoryUsage().rss - before).toBeLessThan(120 * 2 ** 20);
    },
    60_000,
  );
});
