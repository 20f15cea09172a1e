// Recordings on the device, and what a loop makes there that goes the same way every time.
import { Tape } from '@sympow/autograd';
import { DeviceLostError, type Recording, type Tensor } from '@sympow/kernels';
import { Model, modelConfig, variants } from '@sympow/model';
import { AdamW, trainingStep } from '@sympow/training';
import { afterAll, describe, expect, it } from 'vitest';
import { gpu, missing } from './gpu.cases';
import type { DeviceLike } from './api';
import { webgpu } from './backend';

const config = modelConfig({
  ...{ ...variants.conformal, vocabSize: 64, hiddenSize: 16, layers: 1, heads: 2, headSize: 8 },
});

/** A backend on a device that counts the objects which are made on it. */
async function counting() {
  const device = await (await gpu.requestAdapter())!.requestDevice();
  const made = { buffers: 0, groups: 0, scopes: 0 };
  const [createBuffer, createBindGroup, pushErrorScope] = [
    device.createBuffer.bind(device),
    device.createBindGroup.bind(device),
    device.pushErrorScope.bind(device),
  ];
  device.createBuffer = (descriptor) => (made.buffers++, createBuffer(descriptor));
  device.createBindGroup = (descriptor) => (made.groups++, createBindGroup(descriptor));
  device.pushErrorScope = (scope) => (made.scopes++, pushErrorScope(scope));
  const backend = await webgpu({ device: device as unknown as DeviceLike }).open();
  return { backend, device, made };
}

describe.skipIf(missing)(`recordings${missing ? `: ${missing}` : ''}`, () => {
  const opened = missing ? undefined : counting();
  afterAll(async () => {
    if (!opened) return;
    const { backend, device } = await opened;
    await backend.close();
    device.destroy();
  });

  it('make nothing on the device in 1,000 replays, and see what stands in their tensors', async () => {
    const { backend, made } = await opened!;
    const before = backend.memory();
    const [x, weight, sum] = [
      [1, 2],
      [3, 4, 5, 6],
      [0, 0],
    ].map((data) => backend.upload(data, data.length > 2 ? [2, 2] : [1, 2])) as [Tensor, Tensor, Tensor];
    const recording = backend.record(() => {
      const [product, y] = [backend.empty([1, 2]), backend.empty([1, 2])];
      backend.kernels.matmul({ a: x, b: weight, transposeB: true, y: product });
      backend.kernels.add({ a: product, b: x, scale: 2, y });
      backend.kernels.add({ a: sum, b: x, y: sum });
      return y;
    });
    expect(recording.complete).toBe(true);
    expect([...(await recording.output.read())]).toEqual([13, 21]);
    // A read has its buffer by now.
    const counts = { ...made };
    for (let i = 0; i < 1000; i++) {
      if (i % 100 === 0) backend.write(x, [i, 1]);
      recording.replay();
    }
    expect([...(await recording.output.read())]).toEqual([900 * 3 + 4 + 2 * 900, 900 * 5 + 6 + 2]);
    expect(made).toEqual(counts);
    expect([...(await sum.read())]).toEqual([1 + 100 * 4500, 2 + 1000]);
    for (const each of [x, weight, sum, recording]) each.dispose();
    recording.dispose();
    expect(backend.memory().liveBuffers).toBe(before.liveBuffers);
  });

  it('of a model are the same to the last bit as without, token after token', async () => {
    const { backend, made } = await opened!;
    const before = backend.memory().liveBuffers;
    const model = Model.create(backend, config, { seed: 1 });
    const tape = new Tape(backend, { record: false });
    const token = backend.upload([1], [1, 1], 'int32');
    const run = async (recorded: boolean) => {
      const memory = model.memory();
      const forward = () => model.forward(tape, token, { memory, lastOnly: true }).value;
      const ways: (Recording | undefined)[] = [];
      const logits: number[][] = [];
      const objects: number[] = [];
      for (let i = 0; i < 70; i++) {
        backend.write(token, [(7 * i) % 64]);
        const { way } = memory;
        const known = way === undefined ? undefined : ways[way];
        const groups = made.groups;
        if (recorded && known?.complete) {
          known.replay();
          memory.follow();
          objects.push(made.groups - groups);
          logits.push([...(await known.output.read())]);
        } else if (recorded && way !== undefined) {
          known?.dispose();
          logits.push([...(await (ways[way] = backend.record(forward)).output.read())]);
        } else {
          const output = backend.scope((keep) => keep(forward()));
          logits.push([...(await output.read())]);
          output.dispose();
        }
      }
      for (const recording of ways) recording?.dispose();
      memory.dispose();
      return { logits, objects };
    };
    const [plain, recorded] = [await run(false), await run(true)];
    expect(recorded.logits).toEqual(plain.logits);
    expect(recorded.objects.length).toBeGreaterThan(60);
    expect(Math.max(...recorded.objects)).toBe(0);
    token.dispose();
    model.dispose();
    expect(backend.memory().liveBuffers).toBe(before);
  });

  it('a training step like the one before makes no buffers and no bind groups', async () => {
    const { backend, made } = await opened!;
    const model = Model.create(backend, config, { seed: 1 });
    const optimizer = new AdamW(backend, model.trained, model.decays);
    const [batch, context] = [1, 8];
    const tokens = Int32Array.from({ length: batch * (context + 1) }, (_, i) => (5 * i) % 64);
    const steps: { buffers: number; groups: number }[] = [];
    for (let i = 0; i < 6; i++) {
      const before = { ...made };
      const sequence = { batch, context, inputs: tokens.slice(0, context), targets: tokens.slice(1) };
      const report = trainingStep(model, optimizer, [sequence as never], 1e-3);
      await report.loss.read();
      for (const tensor of [report.loss, report.squaredNorm]) tensor.dispose();
      steps.push({ buffers: made.buffers - before.buffers, groups: made.groups - before.groups });
    }
    for (const step of steps.slice(2)) expect(step).toEqual({ buffers: 0, groups: 0 });
    optimizer.dispose();
    model.dispose();
  });

  it('on a device that is lost are refused by a typed error', async () => {
    const { backend, device } = await counting();
    const x = backend.upload([1], [1]);
    const recording = backend.record(() => {
      const y = backend.empty([1]);
      backend.kernels.add({ a: x, b: x, y });
      return y;
    });
    device.destroy();
    await expect(recording.output.read()).rejects.toThrow(DeviceLostError);
    expect(() => recording.replay()).toThrow(DeviceLostError);
    recording.dispose();
    await backend.close();
  });
});
