import { BackendError, DeviceLostError, type Backend } from '@sympow/kernels';
import { describe, expect, inject, it } from 'vitest';
import { commands } from 'vitest/browser';
import { wasm } from './backend';
import { Crew } from './crew';
import { moduleOf } from './module';

const isolated = inject('isolated');

/** A product whose sizes no number of threads divides. */
async function product(backend: Backend): Promise<ArrayLike<number>> {
  const noise = (seed: number, size: number) =>
    Float32Array.from({ length: size }, (_, i) => Math.sin(i * 12.9 + seed));
  const [a, b] = [backend.upload(noise(1, 301 * 400), [301, 400]), backend.upload(noise(2, 400 * 131), [400, 131])];
  const y = backend.empty([301, 131]);
  backend.kernels.matmul({ a, b, y });
  return y.read();
}

/** Workers end a moment after they were told to. */
async function expectWorkers(count: number): Promise<void> {
  await expect.poll(() => commands.workers(), { timeout: 10_000 }).toBe(count);
}

it('the page is isolated where it is meant to be', () => {
  expect(crossOriginIsolated).toBe(isolated);
});

if (isolated) {
  describe('threads of an isolated page', () => {
    it('are workers, change no bit of a result, and end with the backend', async () => {
      const before = await commands.workers();
      const alone = await wasm({ threads: 1 }).open();
      const expected = await product(alone);
      await alone.close();
      for (const threads of [2, 3]) {
        const backend = await wasm({ threads }).open();
        expect(backend.capabilities.threads).toBe(threads);
        expect(await product(backend)).toEqual(expected);
        await expectWorkers(before + threads - 1);
        await backend.close();
        await expectWorkers(before);
      }
    });

    it('leave nothing behind, however often they are opened', async () => {
      const before = await commands.workers();
      for (let i = 0; i < 50; i++) {
        const backend = await wasm({ threads: 2 }).open();
        const x = backend.upload(new Float32Array(50_000).fill(1), [50_000]);
        backend.kernels.add({ a: x, b: x, y: x });
        expect((await x.read())[49_999]).toBe(2);
        await backend.close();
      }
      await expectWorkers(before);
    });

    it('hold nobody up when one dies, and the next call says so', async () => {
      const before = await commands.workers();
      const module = await moduleOf('simd', true);
      const memory = new WebAssembly.Memory({ initial: 16, maximum: 100, shared: true });
      const { exports } = new WebAssembly.Instance(module, { env: { memory } });
      const crew = await Crew.open(module, memory, exports as never, 1);
      const { threads } = crew as unknown as { threads: Worker[] };
      threads[0]!.terminate();
      threads[0]!.dispatchEvent(new ErrorEvent('error', { message: 'gone' }));
      crew.run('fill', 1000, 10, 2 ** 18, 2 ** 14, [2 ** 19, 7]);
      expect(new Int32Array(memory.buffer, 2 ** 19, 1000).every((x) => x === 7)).toBe(true);
      expect(crew.failure).toBeInstanceOf(DeviceLostError);
      await crew.close();
      await expectWorkers(before);
    });

    it('that cannot start are an error of the one who opens them', async () => {
      const before = await commands.workers();
      const module = await moduleOf('simd', true);
      const tooSmall = new WebAssembly.Memory({ initial: 0, maximum: 100, shared: true });
      await expect(Crew.open(module, tooSmall, {}, 1)).rejects.toThrow(BackendError);
      await expectWorkers(before);
    });

    it('can be had in a worker of the page as well', async () => {
      const before = await commands.workers();
      const worker = new Worker(new URL('./productInWorker.cases.ts', import.meta.url), { type: 'module' });
      const answer = new Promise((resolve, reject) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = ({ message }) => reject(new Error(message));
      });
      worker.postMessage(2);
      expect(await answer).toEqual({ right: true, threads: 2 });
      // Its thread ends with the backend, not only with itself.
      await expectWorkers(before + 1);
      worker.terminate();
      await expectWorkers(before);
    });

    it('pass on what goes wrong in them', async () => {
      const module = await moduleOf('simd', true);
      const memory = new WebAssembly.Memory({ initial: 16, maximum: 16, shared: true });
      const { exports } = new WebAssembly.Instance(module, { env: { memory } });
      const crew = await Crew.open(module, memory, exports as never, 1);
      // Far outside the memory.
      expect(() => crew.run('fill', 1000, 1, 2 ** 18, 2 ** 14, [2 ** 31, 7])).toThrow();
      await crew.close();
    });
  });
} else {
  describe('a page that is not isolated', () => {
    it('has one thread, and the notes say why', async () => {
      const backend = await wasm().open();
      expect(backend.capabilities.threads).toBe(1);
      expect(backend.capabilities.notes.join()).toContain('cross-origin isolated');
      await backend.close();
    });

    it('refuses to open two', async () => {
      await expect(wasm({ threads: 2 }).open()).rejects.toThrow(BackendError);
      await expect(wasm({ threads: 2 }).open()).rejects.toThrow('cross-origin isolated');
    });
  });
}
