import { describe, expect, it } from 'vitest';
import type { Tensor } from './api';
import { ConfigError, ShapeError } from './errors';
import { js } from './js';
import { recordingOf, type Replay } from './recording';
import { withKernels } from './withKernels';

const numbers = (tensor: Tensor) => tensor.handle as Float32Array;

describe('withKernels', () => {
  it('puts a kernel in the place of another, behind the door, and leaves the others', async () => {
    const factory = withKernels(js(), (inside) => ({
      add: { body: ({ a, b, y }) => inside.multiply({ a, b, y }) },
    }));
    await using backend = await factory.open();
    const { kernels } = backend;
    const [x, y] = [backend.upload([3, 4], [2]), backend.empty([2])];
    kernels.add({ a: x, b: x, y });
    expect(await y.read()).toEqual(Float32Array.of(9, 16));
    kernels.multiply({ a: x, b: y, y });
    expect(await y.read()).toEqual(Float32Array.of(27, 64));
    expect(() => kernels.add({ a: x, b: backend.empty([3]), y })).toThrow(ShapeError);
    expect(factory.name).toBe('js');
  });

  it('hands on what a kernel does not take, with the sizes that were read', async () => {
    const taken: number[] = [];
    const factory = withKernels(js(), () => ({
      silu: {
        accepts: (_, { rows }) => rows === 2,
        run({ x, y }, { rows }) {
          taken.push(rows);
          numbers(y).set(numbers(x));
        },
      },
    }));
    await using backend = await factory.open();
    const silu = async (values: number[]) => {
      const y = backend.empty([values.length]);
      backend.kernels.silu({ x: backend.upload(values, [values.length]), y });
      return [...(await y.read())];
    };
    expect(await silu([5, -5])).toEqual([5, -5]);
    expect(await silu([0, 0, 0])).toEqual([0, 0, 0]);
    expect((await silu([-5, 0, 0]))[0]).toBeCloseTo(-0.0335, 4);
    expect(taken).toEqual([2]);
  });

  it('reaches what is made of other kernels, and recordings, which keep what a body calls', async () => {
    let calls = 0;
    const factory = withKernels(js(), (inside, backend) => ({
      // x·x, by way of a tensor that nobody gives back.
      multiply: ({ a, b, y }) => {
        calls++;
        numbers(y).set(numbers(a).map((value, i) => value * numbers(b)[i]!));
      },
      silu: {
        body({ x, y }) {
          const square = backend.empty(x.shape);
          backend.kernels.multiply({ a: x, b: x, y: square });
          inside.silu({ x: square, y });
        },
      },
    }));
    await using backend = await factory.open();
    const [x, once] = [backend.upload([1, 2], [2]), backend.empty([2])];
    const before = backend.memory().liveBuffers;
    backend.kernels.silu({ x, y: once });
    expect([calls, backend.memory().liveBuffers]).toEqual([1, before]);
    calls = 0;
    const recording = backend.record!(() => {
      const y = backend.empty([2]);
      backend.kernels.silu({ x, y });
      return y;
    });
    expect(calls).toBe(1);
    backend.write(x, [0, 1]);
    recording.replay();
    expect(calls).toBe(2);
    const [none, one] = await recording.output.read();
    expect([none, one]).toEqual([0, expect.closeTo(0.7311, 4)]);
    recording.dispose();
    expect(backend.memory().liveBuffers).toBe(before);
  });

  it('gives halves to what moves them and widens them for all others', async () => {
    const types: string[] = [];
    const factory = withKernels(js(), (inside) => ({
      cast: {
        body(args) {
          types.push(`cast ${args.x.dtype} ${args.y.dtype}`);
          inside.cast(args);
        },
      },
      silu: {
        body(args) {
          types.push(`silu ${args.x.dtype} ${args.y.dtype}`);
          inside.silu(args);
        },
      },
    }));
    await using backend = await factory.open();
    const y = backend.empty([1]);
    backend.kernels.silu({ x: backend.upload([1], [1], 'bfloat16'), y });
    expect(types).toEqual(['cast bfloat16 float32', 'silu float32 float32']);
  });

  it('leaves a recording incomplete whose device would not launch it again', async () => {
    const factory = withKernels(js(), (inside) => ({
      silu: () => undefined,
      gelu: { body: (args) => inside.gelu(args) },
    }));
    await using backend = await factory.open();
    const [x, y] = [backend.upload([1], [1]), backend.empty([1])];
    const complete = (body: () => void, record?: (body: () => void) => Replay) =>
      recordingOf(backend, record ? { record } : {}, body).complete;
    const inItsOwnForm = (body: () => void) => {
      body();
      return { replay: () => undefined, dispose: () => undefined };
    };
    expect(complete(() => backend.kernels.silu({ x, y }))).toBe(true);
    expect(complete(() => backend.kernels.silu({ x, y }), inItsOwnForm)).toBe(false);
    expect(complete(() => backend.kernels.gelu({ x, y }), inItsOwnForm)).toBe(true);
  });

  it('refuses a name that is no kernel’s, and closes the backend again', async () => {
    let closed = 0;
    const counted = {
      name: 'js',
      async open() {
        const backend = await js().open();
        const close = backend.close.bind(backend);
        return Object.assign(backend, { close: () => (closed++, close()) });
      },
    };
    await expect(withKernels(counted, () => ({ gelo: () => undefined }) as object).open()).rejects.toThrow(ConfigError);
    expect(closed).toBe(1);
  });
});
