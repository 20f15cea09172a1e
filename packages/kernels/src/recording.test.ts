import { describe, expect, it } from 'vitest';
import type { Tensor } from './api';
import { bodyOf, type KernelName } from './catalogue';
import * as definitions from './definitions.gen';
import { checked, type UncheckedKernels } from './checked';
import { js } from './js';

const backend = await js().open();
const { kernels } = backend;
const two = () => backend.upload([1, 2], [2]);

describe('a recording', () => {
  it('makes its launches again, with the numbers that its tensors hold by then', () => {
    const [x, sum] = [two(), two()];
    const recording = backend.record!(() => {
      const doubled = backend.empty([2]);
      kernels.add({ a: x, b: x, y: doubled });
      const y = backend.empty([2]);
      kernels.multiply({ a: doubled, b: doubled, y });
      kernels.add({ a: sum, b: y, y: sum });
      return y;
    });
    expect([recording.complete, [...backend.readSync!(recording.output)]]).toEqual([true, [4, 16]]);
    backend.write(x, [3, 4]);
    recording.replay();
    expect([...backend.readSync!(recording.output)]).toEqual([36, 64]);
    expect([...backend.readSync!(sum)]).toEqual([1 + 4 + 36, 2 + 16 + 64]);
    for (const each of [x, sum, recording]) each.dispose();
  });

  it('keeps its memory to itself until it is disposed of, and then leaves none behind', () => {
    const x = two();
    const before = backend.memory();
    const recording = backend.record!(() => {
      let y: Tensor = x;
      for (let i = 0; i < 5; i++) {
        const next = backend.empty([2]);
        kernels.add({ a: y, b: x, y: next });
        if (y !== x) y.dispose();
        y = next;
      }
      return y;
    });
    const others = Array.from({ length: 20 }, () => backend.upload([7, 7], [2]));
    recording.replay();
    expect([...backend.readSync!(recording.output)]).toEqual([6, 12]);
    for (const other of others) expect([...backend.readSync!(other)]).toEqual([7, 7]);
    for (const each of [...others, recording]) each.dispose();
    const { liveBuffers, liveBytes } = backend.memory();
    expect({ liveBuffers, liveBytes }).toEqual({ liveBuffers: before.liveBuffers, liveBytes: before.liveBytes });
    x.dispose();
  });

  it('is not complete where the host writes meanwhile', () => {
    const x = two();
    const recording = backend.record!(() => {
      const y = backend.empty([2]);
      kernels.add({ a: x, b: backend.upload([1, 1], [2]), y });
      return y;
    });
    expect(recording.complete).toBe(false);
    for (const each of [x, recording]) each.dispose();
  });

  it('that is refused leaves nothing behind, and the next one is whole', () => {
    const x = two();
    const before = backend.memory().liveBuffers;
    const refused = () =>
      backend.record!(() => {
        const y = backend.empty([2]);
        kernels.add({ a: x, b: backend.empty([3]), y });
        return y;
      });
    expect(refused).toThrow(/shape of b/);
    expect(backend.memory().liveBuffers).toBe(before);
    const recording = backend.record!(() => {
      const y = backend.empty([2]);
      kernels.add({ a: x, b: x, y });
      return y;
    });
    backend.write(x, [5, 6]);
    recording.replay();
    expect([...backend.readSync!(recording.output)]).toEqual([10, 12]);
    for (const each of [x, recording]) each.dispose();
  });

  it('does not note what runs on another backend, nor after its end', async () => {
    const other = await js().open();
    const x = two();
    const [a, b] = [other.upload([1], [1]), other.empty([1])];
    const recording = backend.record!(() => {
      other.kernels.add({ a, b: a, y: b });
      const y = backend.empty([2]);
      kernels.add({ a: x, b: x, y });
      return y;
    });
    kernels.fill({ value: 9, y: x });
    other.write(a, [4]);
    recording.replay();
    expect([...other.readSync!(b), ...backend.readSync!(recording.output)]).toEqual([2, 18, 18]);
    for (const each of [x, recording]) each.dispose();
    await other.close();
  });
});

it('calls that a backend accepts and calls that go to the body are recorded alike', async () => {
  await using backend = await js().open();
  const all = Object.assign({}, ...Object.values(definitions)) as { silu(args: { x: Tensor; y: Tensor }): void };

  let taken = 0;
  const choosy = {
    accepts: ({ x }: { x: Tensor }) => x.size % 2 === 0,
    run: (args: { x: Tensor; y: Tensor }) => {
      taken++;
      all.silu(args);
    },
  };
  const plain = Object.entries(all).filter(([name]) => !bodyOf(name as KernelName));
  const own = checked({ ...Object.fromEntries(plain), silu: choosy } as unknown as UncheckedKernels, backend);
  Object.assign(backend, { kernels: own });
  const numbers = (size: number) => Float32Array.from({ length: size }, (_, i) => 4 * Math.sin(i + 1));
  const inputs = [6, 7].map((size) => backend.upload(numbers(size), [size]));
  const outputs = [6, 7].map((size) => backend.empty([size]));
  const recording = backend.record!(() => {
    inputs.forEach((x, i) => own.silu({ x, y: outputs[i]! }));
    return backend.empty([1]);
  });
  expect([recording.complete, taken]).toEqual([true, 1]);
  inputs.forEach((x) => backend.write(x, new Float32Array(x.size).fill(2)));
  recording.replay();
  expect(taken).toBe(2);
  const expected = Math.fround(2 / (1 + Math.exp(-2)));
  for (const y of outputs) expect([...backend.readSync!(y)]).toEqual(new Array<number>(y.size).fill(expected));
  for (const each of [...inputs, ...outputs, recording]) each.dispose();
  expect(backend.memory().liveBuffers).toBe(0);
});
