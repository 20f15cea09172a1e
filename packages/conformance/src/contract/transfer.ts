/** Numbers in and out, and the order in which work is done. */

import type { Backend } from '@sympow/kernels';
import type { ContractCheck } from '../api';
import { equal, holds, refuses, sameNumbers } from './expect';

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Float32Array,
  bfloat16: Float32Array,
  int32: Int32Array,
} as const;
/** By half type: a tie that goes down, one that goes up, an ulp beside a tie, the largest, what is beyond it, and its bits. */
const halves = {
  float16: {
    numbers: [1 + 2 ** -11, 1 + 3 * 2 ** -11, 1 + 2 ** -11 + 2 ** -23, 65504, 65520, 2 ** -24, 3 * 2 ** -26, -0, NaN],
    bits: [0x3c00, 0x3c02, 0x3c01, 0x7bff, 0x7c00, 0x0001, 0x0001, 0x8000, 0x7e00],
    read: [1, 1 + 2 ** -9, 1 + 2 ** -10, 65504, Infinity, 2 ** -24, 2 ** -24, -0, NaN],
  },
  bfloat16: {
    numbers: [1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -8 + 2 ** -23, 3.3895e38, 3.4e38, 2 ** -126, -3, -0, NaN],
    bits: [0x3f80, 0x3f82, 0x3f81, 0x7f7f, 0x7f80, 0x0080, 0xc040, 0x8000, 0x7fc0],
    read: [1, 1 + 2 ** -6, 1 + 2 ** -7, 255 * 2 ** 120, Infinity, 2 ** -126, -3, -0, NaN],
  },
};
const unusual = [0, -0, 1, -1.5, Infinity, -Infinity, NaN, 2 ** -126, 3e38, 1 / 3].map(Math.fround);

const rules: Record<string, (backend: Backend) => Promise<void> | void> = {
  'floats come back as they went, whatever they are': async (backend) => {
    const tensor = backend.upload(unusual, [2, 5]);
    const read = await tensor.read();
    holds(read instanceof arrays[backend.capabilities.float], `read gives an array of ${backend.capabilities.float}`);
    sameNumbers(read, unusual, 'the tensor');
    tensor.dispose();
  },
  'every element type of the device makes the round trip': async (backend) => {
    for (const dtype of backend.capabilities.dtypes) {
      const large = dtype === 'float16' ? 60000 : 2 ** 17;
      const tensor = backend.upload([1, -2, large], [3], dtype);
      equal(tensor.dtype, dtype, 'the element type');
      const read = await backend.read(tensor);
      holds(read instanceof arrays[dtype], `read gives an array of ${dtype === 'int32' ? dtype : 'floats'}`);
      sameNumbers(read, [1, -2, large], dtype);
      tensor.dispose();
    }
  },
  'halves are rounded to the nearest, ties to even, and taken as bits': async (backend) => {
    for (const dtype of ['float16', 'bfloat16'] as const) {
      if (!backend.capabilities.dtypes.includes(dtype)) continue;
      const { numbers, bits, read } = halves[dtype];
      for (const data of [numbers, Float64Array.from(numbers), Float32Array.from(numbers), Uint16Array.from(bits)]) {
        const tensor = backend.upload(data, [9], dtype);
        sameNumbers(await tensor.read(), read, `${dtype} of ${data.constructor.name}`);
        tensor.dispose();
      }
    }
    await refuses('CONFIG', () => backend.upload(Uint16Array.of(1), [1]));
  },
  'halves are cast as they are uploaded, from floats, whole numbers and each other': async (backend) => {
    for (const dtype of ['float16', 'bfloat16'] as const) {
      if (!backend.capabilities.dtypes.includes(dtype)) continue;
      const { numbers, read } = halves[dtype];
      const [floats, back] = [backend.upload(numbers, [9]), backend.empty([9])];
      const [tensor, whole] = [backend.empty([9], dtype), backend.upload([-3, 0, 257], [3], 'int32')];
      backend.kernels.cast({ x: floats, y: tensor });
      sameNumbers(await tensor.read(), read, `${dtype} cast from floats`);
      backend.kernels.cast({ x: tensor, y: back });
      sameNumbers(await back.read(), read, `floats cast from ${dtype}`);
      const few = backend.empty([3], dtype);
      backend.kernels.cast({ x: whole, y: few });
      sameNumbers(await few.read(), [-3, 0, dtype === 'float16' ? 257 : 256], `${dtype} cast from whole numbers`);
      backend.kernels.fill({ value: 1 / 3, y: few });
      const others = backend.upload([9, 9, 9], [3], dtype === 'float16' ? 'bfloat16' : 'float16');
      backend.kernels.cast({ x: few, y: others });
      // A third of either type, in bfloat16's eight digits.
      sameNumbers(await others.read(), [0.333984375, 0.333984375, 0.333984375], `the other half type from ${dtype}`);
      backend.kernels.cast({ x: few, y: whole });
      sameNumbers(await whole.read(), [0, 0, 0], `whole numbers cast from ${dtype}`);
      [floats, back, tensor, whole, few, others].forEach((each) => each.dispose());
    }
  },
  'halves take half the memory': (backend) => {
    for (const dtype of ['float16', 'bfloat16'] as const) {
      if (!backend.capabilities.dtypes.includes(dtype)) continue;
      const before = backend.memory().liveBytes;
      const tensor = backend.empty([2, 1024], dtype);
      equal(backend.memory().liveBytes - before, 4096, `bytes of 2,048 numbers of ${dtype}`);
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
    const into = new Float32Array(4);
    backend.readSync(x, into.subarray(1, 3));
    sameNumbers(into, [0, 2, 4, 0], 'what was read into');
    await refuses('SHAPE', () => backend.readSync!(x, into));
    x.dispose();
  },
  'numbers may come from shared memory': async (backend) => {
    if (typeof SharedArrayBuffer === 'undefined') return;
    const shared = new Float32Array(new SharedArrayBuffer(16));
    shared.set([1, 2, 3, 4]);
    const x = backend.upload(shared.subarray(1, 3), [2]);
    backend.write(x, shared.subarray(2));
    shared.fill(0);
    sameNumbers(await x.read(), [3, 4], 'the tensor');
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
  run: async ({ backend }) => rule(backend),
}));
