/** The backend: tensors as storage, and its kernels on one gpu.js instance. */

import {
  BackendError,
  checked,
  ConfigError,
  fromHalves,
  isHalf,
  PooledBackend,
  readElements,
  readingHalves,
  requireKnownKeys,
  storedElements,
  type BackendFactory,
  type DType,
  type Elements,
  type Kernels,
  type KnownKeys,
  type Tensor,
  type TypedArray,
} from '@sympow/kernels';
import type { GpujsOptions } from './api';
import { kernelsOf } from './kernels';
import type { Machine } from './machine';
import { modes, openMachine, type Limits } from './modes';
import { Storage, type Numbers } from './storage';

/** Halves lie here as the floats that they stand for. */
function numbersOf(dtype: DType, data: Elements): Numbers {
  if (dtype === 'int32') return Int32Array.from(data);
  if (!isHalf(dtype)) return Float32Array.from(storedElements(dtype, data));
  return fromHalves(dtype, storedElements(dtype, data) as Uint16Array);
}

/** Kernels read floats that have been rounded; what they write has to be. */
const halves = readingHalves({
  ...{ fill: ['y'], cast: ['y'], copyBlock: ['y'] },
  append: () => ['keys', 'values'],
  // Its parts take them.
  rotaryAppend: ['q', 'k', 'v', 'keys', 'values', 'y'],
});

class GpujsBackend extends PooledBackend<Storage, Storage> {
  readonly name = 'gpujs';
  readonly capabilities;
  readonly kernels: Kernels;

  constructor(
    private readonly machine: Machine,
    { maxTensorBytes, notes }: Limits,
  ) {
    super({
      allocate: () => new Storage(),
      release: (storage) => storage.clear(),
      idle: (storage) => storage.clear(),
      handle: (storage, dtype, size) => storage.begin(dtype, size),
    });
    this.capabilities = {
      float: 'float32',
      dtypes: ['float32', 'float16', 'bfloat16', 'int32'] as const,
      maxTensorBytes,
      blockBytes: Math.min(2 ** 26, maxTensorBytes),
      threads: 1,
      synchronousRead: true,
      notes,
    } as const;
    this.kernels = checked(kernelsOf(machine), this, halves);
  }

  write(tensor: Tensor, data: Elements): void {
    const { handle, dtype } = this.store.receiving(tensor, data);
    // Bits of halves become numbers at once.
    handle.put(numbersOf(dtype, data));
  }

  // Reads at once, before kernels that are called later, and turns what it throws into a rejection.
  async read(tensor: Tensor): Promise<TypedArray> {
    return this.readSync(tensor);
  }

  readSync(tensor: Tensor, into?: TypedArray): TypedArray {
    const { handle, dtype } = this.store.own(tensor);
    if (handle.host instanceof Int32Array) return readElements(dtype, handle.host, into);
    const numbers = this.machine.read(handle);
    if (into) return readElements('float32', numbers, into);
    return dtype === 'int32' ? Int32Array.from(numbers) : numbers;
  }

  // gpu.js makes what a result needs and takes back what is cleared: nothing waits in a pool.
  override memory() {
    return { ...this.store.report(), pooledBytes: 0 };
  }

  async finish(): Promise<void> {
    this.machine.finish();
  }

  async close(): Promise<void> {
    if (this.store.closed) return;
    this.store.close();
    await this.machine.close();
  }
}

const known: KnownKeys<GpujsOptions> = { mode: true };

/**
 * A factory for the gpu.js backend: float32 on WebGL 2, WebAssembly or plain JavaScript.
 *
 * `open` throws BackendError where the mode that was asked for is not there, or computes wrong.
 *
 * @throws ConfigError for an unknown mode
 * @example
 * ```ts
 * import { gpujs } from '@sympow/backend-gpujs';
 * const backend = await gpujs({ mode: 'webasm' }).open();
 * const y = backend.empty([2]);
 * backend.kernels.add({ a: backend.upload([1, 2], [2]), b: backend.upload([3, 4], [2]), y });
 * console.log(await y.read()); // Float32Array [4, 6]
 * ```
 */
export function gpujs(options: GpujsOptions = {}): BackendFactory {
  requireKnownKeys('gpujs', options, known);
  const { mode = 'auto' } = options;
  if (mode !== 'auto' && !modes.includes(mode)) {
    const expected = `auto, ${modes.join(', ')}`;
    throw new ConfigError({ what: 'mode of the gpujs backend', value: mode, expected });
  }
  const wanted = mode === 'auto' ? modes : [mode];
  return {
    name: 'gpujs',
    open: async () => {
      const refused: string[] = [];
      for (const each of wanted) {
        try {
          const { machine, limits } = openMachine(each);
          return new GpujsBackend(machine, { ...limits, notes: [...limits.notes, ...refused] });
        } catch (error) {
          if (wanted.length === 1) throw error;
          refused.push(`not ${each}: ${(error as Error).message}`);
        }
      }
      throw new BackendError({
        what: 'the gpujs backend',
        value: refused.join(' '),
        expected: `one of ${modes.join(', ')}`,
      });
    },
  };
}
