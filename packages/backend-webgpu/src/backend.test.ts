import { runInNewContext } from 'node:vm';
import { BackendError, ConfigError, DeviceLostError, OutOfMemoryError, type Backend } from '@sympow/kernels';
import { describe, expect, it } from 'vitest';
import { gpu, missing, onlyValidation, openAs } from './gpu.cases';
import type { DeviceLike, WebGpuOptions } from './api';
import { webgpu } from './backend';
import { selfCheck } from './selfCheck';
import { shaders } from './shaders.gen';

async function opened<R>(options: WebGpuOptions, body: (backend: Backend) => R | Promise<R>): Promise<R> {
  const backend = await webgpu({ gpu, ...options }).open();
  try {
    return await body(backend);
  } finally {
    await backend.close();
  }
}

async function newDevice(): Promise<GPUDevice> {
  return (await gpu.requestAdapter())!.requestDevice();
}

it('arrays of another realm become tensors of their own type', () =>
  opened({}, async (backend) => {
    const upload = (code: string) => backend.upload(runInNewContext(code) as Float32Array, [2]);
    expect(await upload('Float32Array.of(1.5, 2)').read()).toEqual(Float32Array.of(1.5, 2));
    expect(await upload('Int32Array.of(2147483647, 2)').read()).toEqual(Int32Array.of(2147483647, 2));
    expect(await upload('Float64Array.of(1.5, 2)').read()).toEqual(Float32Array.of(1.5, 2));
  }));

describe('webgpu()', () => {
  it('refuses options out of range', () => {
    expect(() => webgpu({ maxBytes: 10 })).toThrow(ConfigError);
  });

  it('says what to do where there is no WebGPU, no adapter and no feature', async () => {
    await expect(webgpu({ gpu: { requestAdapter: async () => null } }).open()).rejects.toThrow(
      /no GPU adapter.*driver/,
    );
    const plain = { requestAdapter: async () => (await onlyValidation.requestAdapter())! };
    const without: Partial<GPUAdapter> = {};
    await expect(
      webgpu({
        gpu: { requestAdapter: async () => Object.assign(without, { info: {}, features: new Set(), limits: {} }) },
      }).open(),
    ).rejects.toThrow(/gives no device/);
    // A device that computes nothing.
    await expect(webgpu({ gpu: plain }).open()).rejects.toThrow(/computes wrong: matmul/);
    if (!(globalThis as { navigator?: { gpu?: unknown } }).navigator?.gpu) {
      await expect(webgpu().open()).rejects.toThrow(/no WebGPU in this runtime.*create/);
    }
  });
});

describe.skipIf(missing)(`on a device${missing ? `: ${missing}` : ''}`, () => {
  it('says which adapter computes, and refuses one on the CPU where asked to', () =>
    opened({}, async (backend) => {
      expect(backend.capabilities.notes.join()).toContain('tensors of at most');
      const { adapter } = await webgpu({ gpu }).open();
      if (adapter.software) await expect(webgpu({ gpu, software: false }).open()).rejects.toThrow(/software adapter/);
    }));

  it('computes on a device that is handed in, and leaves it alone', async () => {
    const device = await newDevice();
    for (let round = 0; round < 2; round++) {
      await opened({ device }, async (backend) => {
        const x = backend.upload([1, 2, 3], [3]);
        backend.kernels.add({ a: x, b: x, y: x });
        expect([...(await x.read())]).toEqual([2, 4, 6]);
      });
    }
    const buffer = device.createBuffer({ size: 16, usage: 0x8 | 0x1 });
    await buffer.mapAsync(0x1);
    expect(buffer.getMappedRange().byteLength).toBe(16);
    device.destroy();
  });

  it('turns a lost device into a DeviceLostError at the next call and at reads, and opens again', async () => {
    const device = await newDevice();
    const backend = await webgpu({ device: device as unknown as DeviceLike }).open();
    const x = backend.upload([1], [1]);
    const reading = x.read();
    device.destroy();
    await reading.catch((error) => expect(error).toBeInstanceOf(DeviceLostError));
    await expect(x.read()).rejects.toThrow(DeviceLostError);
    await expect(backend.finish()).rejects.toThrow(/checkpoint/);
    expect(() => backend.kernels.add({ a: x, b: x, y: x })).toThrow(DeviceLostError);
    expect(() => backend.empty([1_000_000])).toThrow(DeviceLostError);
    await backend.close();
    await opened({}, async (other) => expect([...(await other.upload([3], [1]).read())]).toEqual([3]));
  });

  it('turns memory that the device does not have into an OutOfMemoryError', async () => {
    const device = await newDevice();
    // What a device does that has run out: the buffer is made, and its error scope reports later.
    const scopes: string[] = [];
    let full = false;
    const [push, pop] = [device.pushErrorScope.bind(device), device.popErrorScope.bind(device)];
    device.pushErrorScope = (scope) => (scopes.push(scope), push(scope));
    device.popErrorScope = async () => {
      const [scope, error] = [scopes.pop(), pop()];
      return full && scope === 'out-of-memory' ? { message: 'no memory' } : error;
    };
    const backend = await webgpu({ device: device as unknown as DeviceLike }).open();
    full = true;
    backend.empty([1_000_000]);
    await expect(backend.finish()).rejects.toThrow(OutOfMemoryError);
    expect(() => backend.empty([1])).toThrow(OutOfMemoryError);
    await backend.close();
    device.destroy();
  });

  it('keeps to maxBytes, emptying its pool first', () =>
    opened({ maxBytes: 2 ** 20 }, async (backend) => {
      const kept = backend.upload([1, 2, 3], [3]);
      backend.empty([2 ** 17]).dispose();
      const large = backend.empty([3 * 2 ** 16]);
      expect(() => backend.empty([2 ** 17])).toThrow(OutOfMemoryError);
      expect([...(await kept.read())]).toEqual([1, 2, 3]);
      large.dispose();
      backend.empty([2 ** 17]).dispose();
    }));

  it('folds dispatches that one dimension does not hold', async () => {
    const backend = await openAs({
      facts: ({ limits }) => ({ limits: { ...limits, maxComputeWorkgroupsPerDimension: 7 } }),
    });
    // One workgroup per row.
    const rows = 100;
    const x = backend.upload(
      Float32Array.from({ length: 2 * rows }, (_, i) => (i % 2 === 0 ? 3 : 4)),
      [rows, 2],
    );
    const y = backend.empty([rows, 2]);
    backend.kernels.rmsNorm({ x, eps: 0, y });
    const out = await y.read();
    expect(out.every((value, i) => Math.abs(value - (i % 2 === 0 ? 3 : 4) / Math.sqrt(12.5)) < 1e-6)).toBe(true);
    await backend.close();
  });

  it('compiles ahead what a body needs, and computes nothing meanwhile', async () => {
    const backend = await webgpu({ gpu }).open();
    const x = backend.upload([1, 2, 3], [3]);
    const step = () => {
      backend.kernels.fill({ value: 9, y: x });
      backend.scope(() => backend.kernels.onePlusTanh({ x, y: backend.empty([3]) }));
    };
    const progress: string[] = [];
    await backend.warmUp(step, ({ done, total }) => progress.push(`${done}/${total}`));
    expect(progress).toEqual(['0/2', '1/2', '2/2']);
    expect([...(await x.read())]).toEqual([1, 2, 3]);
    await backend.warmUp(step, ({ total }) => expect(total).toBe(0));
    step();
    expect([...(await x.read())]).toEqual([9, 9, 9]);
    await backend.close();
  });

  it.each([
    ['layerNorm', 'norm', 'workgroup_sum(thread, mean) / count', 'mean'],
    ['matmul', 'direct_tile', 'left[$j][$r]', 'left[$j][$j]'],
    ['gateSum', 'fixed', 'exponent - 150 + point', 'exponent - 149 + point'],
  ])('is refused when its %s is wrong', async (kernel, file, right, wrong) => {
    expect(shaders[file]).toContain(right);
    const sources = { ...shaders, [file]: shaders[file]!.replace(right, wrong) };
    const backend = await openAs({ sources });
    await expect(selfCheck(backend)).rejects.toThrow(`this GPU computes wrong: ${kernel} gives`);
    await backend.close();
  });

  it('measures kernels where it is asked to', () =>
    opened({}, async (plain) => {
      expect(plain).toHaveProperty('timings');
      const backend = await webgpu({ gpu, timestamps: true }).open();
      const x = backend.upload(new Float32Array(100_000), [100_000]);
      for (let i = 0; i < 3; i++) backend.kernels.gelu({ x, y: backend.empty([100_000]) });
      backend.kernels.fill({ value: 0, y: x });
      const timings = await backend.timings();
      expect(timings.map(({ name, launches }) => [name, launches]).sort()).toEqual([
        ['fill', 1],
        ['pointwise', 3],
      ]);
      for (const { milliseconds } of timings) expect(milliseconds).toBeGreaterThan(0);
      expect(await backend.timings()).toEqual([]);
      await backend.close();
      await expect(
        webgpu({ gpu })
          .open()
          .then((other) => other.timings()),
      ).rejects.toThrow(BackendError);
    }));

  it('opens and closes 20 times and leaves nothing behind', async () => {
    const round = () =>
      opened({}, async (backend) => {
        const x = backend.upload(new Float32Array(50_000).fill(1), [50_000]);
        backend.kernels.add({ a: x, b: x, y: x });
        expect((await x.read())[49_999]).toBe(2);
      });
    // A device kept open takes some 30 MB; what the driver frees late comes and goes. The low-water marks tell one from the other.
    const least = async (rounds: number) => {
      let rss = Infinity;
      for (let i = 0; i < rounds; i++) {
        await round();
        rss = Math.min(rss, process.memoryUsage().rss);
      }
      return rss;
    };
    await least(4);
    const before = await least(8);
    expect((await least(8)) - before).toBeLessThan(100 * 2 ** 20);
  });
});
