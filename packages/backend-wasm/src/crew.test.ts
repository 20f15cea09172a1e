import { BackendError, DeviceLostError, type Backend, type Tensor } from '@sympow/kernels';
import { describe, expect, it } from 'vitest';
import type { WasmOptions } from './api';
import { wasm } from './backend';
import { Crew, mostParts } from './crew';
import { hasRelaxedSimd, moduleOf } from './module';

/** One of every kernel whose tasks are shared out, at sizes that no number of threads divides. */
function everything(backend: Backend): Tensor[] {
  const { kernels } = backend;
  const noise = (seed: number, ...shape: number[]) =>
    backend.upload(
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * 12.9898 + seed) * 0.9),
      shape,
    );
  const make = (...shape: number[]) => backend.empty(shape);
  const [B, T, H, G, d, e, power, chunk] = [2, 75, 4, 2, 6, 5, 2, 20] as const;
  const [D, n] = [21, 4];
  const [q, k, v] = [noise(1, B, T, H, d), noise(2, B, T, G, d), noise(3, B, T, G, e)];
  const [a, b] = [noise(4, 301, 400), noise(5, 400, 131)];
  const product = make(301, 131);
  kernels.matmul({ a, b, y: product });
  const flat = noise(6, 40_001);
  const gelu = make(40_001);
  kernels.gelu({ x: flat, y: gelu });
  const [rows, dx, dweight, dbias] = [noise(7, 401, 33), make(401, 33), make(33), make(33)];
  kernels.layerNormBackward({ x: rows, dy: noise(8, 401, 33), eps: 1e-5, dx, dweight, dbias });
  const gates = { A: make(2, B, T, G), start: backend.empty([B, T, G], 'int32') };
  const logGate = make(B, T, G);
  kernels.logSigmoid({ x: noise(9, B, T, G), y: logGate });
  kernels.gateSum({ logGate, chunk, ...gates });
  const options = { gates, power, chunk };
  const [deltaS, deltaZ] = [make(B, n, G, D, e), make(B, n, G, D)];
  kernels.updateState({ k, v, deltaS, deltaZ, ...options });
  const [S, Z, SLast, ZLast] = [make(B, n, G, D, e), make(B, n, G, D), make(B, G, D, e), make(B, G, D)];
  kernels.discountedSum({ deltaS, deltaZ, length: T, S, Z, SLast, ZLast, ...options });
  const [num, den, rowMax] = [make(B, T, H, e), make(B, T, H), make(B, T, H)];
  kernels.powerAttention({ q, k, v, num, den, rowMax, ...options });
  const [y, total] = [make(B, T, H, e), make(B, T, H)];
  kernels.queryState({ q, normalizer: 'sum', S, Z, num, den, rowMax, y, total, ...options });
  const [softmax, logSum] = [make(B, T, H, e), make(B, T, H)];
  kernels.softmaxAttention({ q, k, v, y: softmax, logSum });
  const [dq, dk, dv] = [make(B, T, H, d), make(B, T, G, d), make(B, T, G, e)];
  kernels.softmaxAttentionBackward({ q, k, v, y: softmax, logSum, dy: y, dq, dk, dv });
  return [product, gelu, dx, dweight, dbias, S, Z, SLast, ZLast, num, den, rowMax, y, total, softmax, dq, dk, dv];
}

async function results(options: WasmOptions): Promise<string[]> {
  const backend = await wasm(options).open();
  const numbers = await Promise.all(everything(backend).map((tensor) => tensor.read()));
  await backend.close();
  return numbers.map((array) => Buffer.from(array.buffer).toString('base64'));
}

describe('threads', () => {
  it('change no bit of any result', async () => {
    const alone = await results({ threads: 1 });
    for (const threads of [2, 3, 5]) expect(await results({ threads })).toEqual(alone);
    if (hasRelaxedSimd()) expect(await results({ threads: 2, wide: true })).toEqual(alone);
  });

  it('are counted', async () => {
    const backend = await wasm({ threads: 3 }).open();
    expect(backend.capabilities.threads).toBe(3);
    expect(backend.capabilities.notes.join()).toContain('3 threads');
    await backend.close();
  });

  it('hold nobody up when one is lost, and the next call says so', async () => {
    const module = await moduleOf('simd', true);
    const memory = new WebAssembly.Memory({ initial: 16, maximum: 100, shared: true });
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    const crew = await Crew.open(module, memory, exports as never, 2);
    const { threads } = crew as unknown as { threads: { terminate(): Promise<unknown> }[] };
    const gone = threads[0]!.terminate();
    crew.run('fill', 1000, 10, 2 ** 18, 2 ** 14, [2 ** 19, 7]);
    expect(new Int32Array(memory.buffer, 2 ** 19, 1000).every((x) => x === 7)).toBe(true);
    await gone;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(crew.failure).toBeInstanceOf(DeviceLostError);
    await crew.close();
  });

  it('that cannot start are an error of the one who opens them', async () => {
    const tooSmall = new WebAssembly.Memory({ initial: 0, maximum: 100, shared: true });
    await expect(Crew.open(await moduleOf('simd', true), tooSmall, {}, 2)).rejects.toThrow(BackendError);
    // Not to be handed over: thrown at once.
    const own = new WebAssembly.Memory({ initial: 1 });
    await expect(Crew.open(await moduleOf('simd', true), own, {}, 2)).rejects.toThrow(BackendError);
  });

  // The caller's part of the job waits until the thread has the other one, half a product that takes longer than a glance.
  async function withSlowThread(meanwhile: (terminate: () => void) => void): Promise<Crew> {
    const size = 2000;
    const module = await moduleOf('simd', true);
    const memory = new WebAssembly.Memory({ initial: 1000, maximum: 1000, shared: true });
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    const internals = () => crew as unknown as { words: Int32Array; threads: { terminate(): void }[] };
    const matmul = () => {
      while ((Atomics.load(internals().words, 0) & mostParts) !== 0);
      meanwhile(() => internals().threads[0]!.terminate());
    };
    const crew: Crew = await Crew.open(module, memory, { ...exports, matmul } as never, 1);
    const matrix = [2 ** 24, size, 1, 0] as const;
    try {
      crew.run('matmul', 2, 1, 2 ** 18, 2 ** 20, [size, size, size, 2, ...matrix, ...matrix, 0, 2 ** 25, 0]);
    } finally {
      await crew.close();
    }
    return crew;
  }

  it('that end in the middle of a part are missed within a second', async () => {
    let ended = 0;
    const job = withSlowThread((terminate) => {
      ended = performance.now();
      terminate();
    });
    await expect(job).rejects.toThrow(DeviceLostError);
    expect(performance.now() - ended).toBeLessThan(1000);
  });

  it('may take their time', async () => {
    const crew = await withSlowThread(() => undefined);
    expect(crew.failure).toBeUndefined();
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
