/** Tensors and their memory: counting, pooling, views and scopes. */

import type { Backend, Tensor } from '@sympow/kernels';
import type { ContractCheck } from '../api';
import { equal, holds, refuses, sameNumbers } from './expect';

const rules: Record<string, (backend: Backend) => Promise<void> | void> = {
  'a tensor says what it is': (backend) => {
    const tensor = backend.empty([2, 3]);
    equal(tensor.shape.join(), '2,3', 'its shape');
    equal(tensor.size, 6, 'its size');
    equal(tensor.dtype, backend.capabilities.float, 'its element type');
    equal(tensor.backend, backend, 'its backend');
    equal(tensor.disposed, false, 'disposed');
    tensor.dispose();
    equal(tensor.disposed, true, 'disposed');
  },
  'scalars have one element, other shapes may have none': async (backend) => {
    const [scalar, none] = [backend.upload([3], []), backend.upload([], [2, 0])];
    equal(scalar.size, 1, 'the size of a scalar');
    sameNumbers(await scalar.read(), [3], 'a scalar');
    sameNumbers(await none.read(), [], 'a tensor without elements');
    [scalar, none].forEach((tensor) => tensor.dispose());
  },
  'axes are whole numbers from 0': async (backend) => {
    for (const axis of [-1, 1.5, NaN, Infinity]) await refuses('SHAPE', () => backend.empty([2, axis]));
  },
  'a tensor beyond the largest one is refused by its bytes': (backend) =>
    refuses('OUT_OF_MEMORY', () => backend.empty([backend.capabilities.maxTensorBytes])),
  'element types that the device lacks are refused': async (backend) => {
    const { dtypes } = backend.capabilities;
    holds(
      dtypes.includes('int32') && dtypes.includes(backend.capabilities.float),
      'int32 and the own float type are there',
    );
    for (const dtype of ['float64', 'float32', 'float16'] as const) {
      if (dtypes.includes(dtype)) backend.empty([1], dtype).dispose();
      else await refuses('CONFIG', () => backend.empty([1], dtype));
    }
  },
  'live buffers are counted': (backend) => {
    const before = backend.memory();
    const tensors = [backend.empty([10]), backend.empty([1000])];
    const during = backend.memory();
    equal(during.liveBuffers, before.liveBuffers + 2, 'the number of live buffers');
    holds(during.liveBytes >= before.liveBytes + 4040, 'live bytes grew by at least those of the tensors');
    holds(during.peakBytes >= during.liveBytes, 'the peak is at least what is live');
    tensors.forEach((tensor) => tensor.dispose());
    equal(backend.memory().liveBuffers, before.liveBuffers, 'the number of live buffers afterwards');
    equal(backend.memory().liveBytes, before.liveBytes, 'live bytes afterwards');
  },
  'disposing twice is harmless': (backend) => {
    const before = backend.memory().liveBuffers;
    const tensor = backend.empty([5]);
    tensor.dispose();
    tensor[Symbol.dispose]();
    equal(backend.memory().liveBuffers, before, 'the number of live buffers');
  },
  'a recording makes its launches again, in memory of its own': async (backend) => {
    if (!backend.record) return;
    const before = backend.memory().liveBuffers;
    const x = backend.upload([1, 2], [2]);
    const recording = backend.record(() => {
      const [twice, y] = [backend.empty([2]), backend.empty([2])];
      backend.kernels.add({ a: x, b: x, y: twice });
      backend.kernels.multiply({ a: twice, b: x, y });
      return y;
    });
    equal(recording.complete, true, 'whether it is complete');
    sameNumbers(await recording.output.read(), [2, 8], 'what was recorded');
    const others = [backend.upload([7, 7], [2]), backend.upload([7, 7], [2])];
    backend.write(x, [3, 4]);
    recording.replay();
    sameNumbers(await recording.output.read(), [18, 32], 'what was replayed');
    for (const other of others) sameNumbers(await other.read(), [7, 7], 'what was made since');
    for (const each of [x, recording, ...others]) each.dispose();
    equal(backend.memory().liveBuffers, before, 'the number of live buffers');
  },
  'memory given back is used again': (backend) => {
    const round = () =>
      [[7], [100], [7], [33, 3]].map((shape) => backend.empty(shape)).forEach((tensor) => tensor.dispose());
    round();
    round();
    const { allocations } = backend.memory();
    for (let i = 0; i < 20; i++) round();
    equal(backend.memory().allocations, allocations, 'the number of allocations after 20 more rounds');
  },
  'a view is the same memory under another shape': async (backend) => {
    const before = backend.memory().liveBuffers;
    const tensor = backend.upload([1, 2, 3, 4, 5, 6], [6]);
    const view = backend.view(tensor, [2, 3]);
    equal(backend.memory().liveBuffers, before + 1, 'the number of live buffers');
    equal(view.dtype, tensor.dtype, 'its element type');
    backend.kernels.fill({ value: 9, y: view });
    sameNumbers(await tensor.read(), [9, 9, 9, 9, 9, 9], 'the tensor');
    await refuses('SHAPE', () => backend.view(tensor, [2, 2]));
    tensor.dispose();
    equal(backend.memory().liveBuffers, before + 1, 'the number of live buffers with the view alone');
    sameNumbers(await view.read(), [9, 9, 9, 9, 9, 9], 'the view');
    view.dispose();
    equal(backend.memory().liveBuffers, before, 'the number of live buffers at the end');
  },
  'memory of a view is not handed out while the view lives': async (backend) => {
    const tensor = backend.upload([1, 2, 3, 4], [4]);
    const view = backend.view(tensor, [2, 2]);
    tensor.dispose();
    const other = backend.upload([7, 7, 7, 7], [4]);
    sameNumbers(await view.read(), [1, 2, 3, 4], 'the view');
    [view, other].forEach((each) => each.dispose());
  },
  'a scope disposes of what was made inside and returns its result': (backend) => {
    const before = backend.memory().liveBuffers;
    let inside: Tensor | undefined;
    const result = backend.scope(() => {
      inside = backend.empty([3]);
      backend.view(inside, [1, 3]);
      backend.upload([1], [1]);
      return 42;
    });
    equal(result, 42, 'the result');
    equal(inside?.disposed, true, 'disposed');
    equal(backend.memory().liveBuffers, before, 'the number of live buffers');
  },
  'a scope leaves what it keeps and what was there before': (backend) => {
    const outside = backend.empty([2]);
    const kept = backend.scope((keep) => keep(backend.empty([3])));
    equal(kept.disposed, false, 'the kept tensor disposed');
    equal(outside.disposed, false, 'the outer tensor disposed');
    [outside, kept].forEach((tensor) => tensor.dispose());
  },
  'what an inner scope keeps belongs to the outer one': (backend) => {
    const before = backend.memory().liveBuffers;
    let kept: Tensor | undefined;
    backend.scope(() => {
      kept = backend.scope((keep) => keep(backend.empty([3])));
      equal(kept.disposed, false, 'disposed after the inner scope');
    });
    equal(kept?.disposed, true, 'disposed after the outer scope');
    equal(backend.memory().liveBuffers, before, 'the number of live buffers');
  },
  'a scope that fails gives everything back and passes the error on': (backend) => {
    const before = backend.memory().liveBuffers;
    const error = new Error('on purpose');
    let thrown: unknown;
    try {
      backend.scope((keep) => {
        backend.empty([3]);
        // What it keeps is for when it succeeds.
        keep(backend.empty([3]));
        backend.scope((inner) => inner(backend.empty([3])));
        throw error;
      });
    } catch (caught) {
      thrown = caught;
    }
    equal(thrown, error, 'the error');
    equal(backend.memory().liveBuffers, before, 'the number of live buffers');
  },
  'a tensor disposed of inside its scope is given back once': (backend) => {
    const before = backend.memory().liveBuffers;
    backend.scope(() => backend.empty([3]).dispose());
    equal(backend.memory().liveBuffers, before, 'the number of live buffers');
  },
  'an asynchronous scope is refused': (backend) => refuses('CONFIG', () => backend.scope(async () => undefined)),
  'a failed upload leaves nothing behind': async (backend) => {
    const before = backend.memory().liveBuffers;
    await refuses('SHAPE', () => backend.upload([1, 2, 3], [2]));
    equal(backend.memory().liveBuffers, before, 'the number of live buffers');
  },
};

export const memory: readonly ContractCheck[] = Object.entries(rules).map(([name, rule]) => ({
  group: 'memory',
  name,
  run: async ({ backend }) => rule(backend),
}));
