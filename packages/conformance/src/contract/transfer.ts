/** Numbers in and out, and the order in which work is done. */

import type { Backend } from '@sympow/kernels';
import type { ContractCheck } from '../api';
import { equal, holds, refuses, sameNumbers } from './expect';

const arrays = { float32: Float32Array, float64: Float64Array, int32: Int32Array } as const;
const unusual = [0, -0, 1, -1.5, Infinity, -Infinity, NaN, 2 ** -126, 3e38, 1 / 3].map(Math.fround);

const rules: Record<string, (backend: Backend) => Promise<void>> = {
  'floats come back as they went, whatever they are': async (backend) => {
    const tensor = backend.upload(unusual, [2, 5]);
    const read = await tensor.read();
    holds(read instanceof arrays[backend.capabilities.float], `read gives an array of ${backend.capabilities.float}`);
    sameNumbers(read, unusual, 'the tensor');
    tensor.dispose();
  },
  'every element type of the device makes the round trip': async (backend) => {
    for (const dtype of backend.capabilities.dtypes) {
      const tensor = backend.upload([1, -2, 70000], [3], dtype);
      equal(tensor.dtype, dtype, 'the element type');
      const read = await backend.read(tensor);
      holds(read instanceof arrays[dtype], `read gives an array of ${dtype}`);
      sameNumbers(read, [1, -2, 70000], dtype);
      tensor.dispose();
    }
  },
  'arrays of integers become int32, all others floats': async (backend) => {
    const { float } = backend.capabilities;
    const tensors = [Int32Array.of(1), Float64Array.of(1), Float32Array.of(1), [1]].map((data) =>
      backend.upload(data, [1]),
    );
    equal(tensors.map(({ dtype }) => dtype).join(), ['int32', float, float, float].join(), 'the element types');
    tensors.forEach((tensor) => tensor.dispose());
  },
  'a large tensor makes the round trip': async (backend) => {
    const data = Float32Array.from({ length: 70_001 }, (_, i) => i);
    const tensor = backend.upload(data, [70_001]);
    const read = await tensor.read();
    holds(read.length === data.length && data.every((x, i) => read[i] === x), 'the same 70,001 numbers come back');
    tensor.dispose();
  },
  'uploads and reads are copies': async (backend) => {
    const data = Float32Array.of(1, 2, 3);
    const tensor = backend.upload(data, [3]);
    data.fill(9);
    (await tensor.read()).fill(8);
    sameNumbers(await tensor.read(), [1, 2, 3], 'the tensor');
    tensor.dispose();
  },
  'write replaces all elements, and only as many': async (backend) => {
    const tensor = backend.upload([1, 2, 3], [3]);
    backend.write(tensor, Float32Array.of(4, 5, 6));
    sameNumbers(await tensor.read(), [4, 5, 6], 'the tensor');
    await refuses('SHAPE', () => backend.write(tensor, [1, 2]));
    await refuses('SHAPE', () => backend.write(tensor, [1, 2, 3, 4]));
    sameNumbers(await tensor.read(), [4, 5, 6], 'the tensor after refusals');
    tensor.dispose();
  },
  'kernels run in order, and reads see all that were enqueued before': async (backend) => {
    const x = backend.upload([1, 2], [2]);
    for (let i = 0; i < 10; i++) backend.kernels.add({ a: x, b: x, y: x });
    const early = x.read();
    backend.kernels.fill({ value: 0, y: x });
    sameNumbers(await early, [1024, 2048], 'what was read before the fill');
    sameNumbers(await x.read(), [0, 0], 'what was read after the fill');
    x.dispose();
  },
  'a write waits for the kernels before it': async (backend) => {
    const [x, y] = [backend.upload([1, 2], [2]), backend.empty([2])];
    backend.kernels.add({ a: x, b: x, y });
    backend.write(x, [7, 7]);
    sameNumbers(await y.read(), [2, 4], 'the sum of the old numbers');
    [x, y].forEach((tensor) => tensor.dispose());
  },
  'a tensor may be disposed of while a read is under way': async (backend) => {
    const x = backend.upload([1, 2], [2]);
    const reading = x.read();
    x.dispose();
    const other = backend.upload([5, 5], [2]);
    sameNumbers(await reading, [1, 2], 'what was read');
    other.dispose();
  },
  'reading at once is there exactly when it is promised': async (backend) => {
    equal(typeof backend.readSync, backend.capabilities.synchronousRead ? 'function' : 'undefined', 'readSync');
    if (!backend.readSync) return;
    const x = backend.upload([1, 2], [2]);
    backend.kernels.add({ a: x, b: x, y: x });
    sameNumbers(backend.readSync(x), [2, 4], 'the tensor');
    x.dispose();
  },
  'finish waits and can be called at any time': async (backend) => {
    await backend.finish();
    const x = backend.upload([1], [1]);
    backend.kernels.add({ a: x, b: x, y: x });
    await backend.finish();
    x.dispose();
  },
  'a disposed tensor cannot be read, written or viewed': async (backend) => {
    const x = backend.upload([1], [1]);
    x.dispose();
    await refuses('BACKEND', () => x.read());
    await refuses('BACKEND', () => backend.write(x, [2]));
    await refuses('BACKEND', () => backend.view(x, [1, 1]));
  },
};

export const transfer: readonly ContractCheck[] = Object.entries(rules).map(([name, rule]) => ({
  group: 'transfer',
  name,
  run: ({ backend }) => rule(backend),
}));
