/** The backend: tensors in the memory of one WebAssembly instance, and its kernels. */

import {
  BackendError,
  checked,
  ConfigError,
  PooledBackend,
  putElements,
  readElements,
  requireKnownKeys,
  OutOfMemoryError,
  storedView,
  type BackendFactory,
  type Elements,
  type Kernels,
  type UncheckedKernels,
  type KnownKeys,
  type Recording,
  type Stored,
  type Tensor,
  type TypedArray,
} from '@sympow/kernels';
import type { WasmOptions } from './api';
import { noThreads, processors } from './crew';
import { attention } from './kernels/attention';
import { dense } from './kernels/dense';
import { elementwise } from './kernels/elementwise';
import { recurrence } from './kernels/recurrence';
import { Machine } from './machine';
import { hasRelaxedSimd, moduleOf, type Variant } from './module';

/** What reads or moves halves as they are. */
const halves = {
  ...{ fill: ['y'], cast: ['x', 'y'], copyBlock: ['x', 'y'], append: ['keys', 'values'] },
  ...{ matmul: ['b'], embed: ['weight'] },
  // Its parts take them.
  rotaryAppend: ['q', 'k', 'v', 'keys', 'values', 'y'],
};
const pageBytes = 65536;
const mostBytes = 2 ** 32;
const mostThreads = 64;
/** More need a measurement first. */
const mostThreadsByItself = 8;

/** Every kernel of the catalogue, unchecked. */
function kernelsOf(machine: Machine): UncheckedKernels {
  return { ...elementwise(machine), ...dense(machine), ...attention(machine), ...recurrence(machine) };
}

class WasmBackend extends PooledBackend<number, number> {
  readonly name = 'wasm';
  readonly capabilities;
  readonly kernels: Kernels;

  constructor(
    private readonly machine: Machine,
    maxBytes: number,
    notes: readonly string[],
  ) {
    super({
      allocate: (bytes) => machine.heap.allocate(bytes),
      release: (offset) => machine.heap.release(offset),
      handle: (offset) => offset,
    });
    this.capabilities = {
      float: 'float32',
      dtypes: ['float32', 'float16', 'bfloat16', 'int32'] as const,
      maxTensorBytes: 2 ** 31,
      maxBytes,
      blockBytes: Math.min(2 ** 26, maxBytes / 8),
      threads: machine.threads,
      synchronousRead: true,
      notes,
    } as const;
    this.kernels = checked(kernelsOf(machine), this, halves);
    machine.trim = () => this.store.trim();
  }

  write(tensor: Tensor, data: Elements): void {
    this.store.receiving(tensor, data);
    putElements(tensor.dtype, this.stored(tensor), data);
  }

  // Reads at once, before kernels that are called later, and turns what it throws into a rejection.
  async read(tensor: Tensor): Promise<TypedArray> {
    return this.readSync(tensor);
  }

  readSync(tensor: Tensor, into?: TypedArray): TypedArray {
    return readElements(tensor.dtype, this.stored(tensor), into);
  }

  record(body: () => Tensor): Recording {
    return this.store.record(body);
  }

  async finish(): Promise<void> {
    this.machine.check();
  }

  async close(): Promise<void> {
    this.store.close();
    await this.machine.close();
  }

  /** The tensor where it lies, until the memory grows. */
  private stored(tensor: Tensor): Stored {
    const { handle, dtype, size } = this.store.own(tensor);
    return storedView(dtype, this.machine.memory.buffer, handle, size);
  }
}

function variantOf(relaxed: 'auto' | boolean, wide: boolean): { variant: Variant; note: string } {
  if (wide) return { variant: 'wide', note: 'relaxed SIMD in wide tiles, as asked for' };
  if (relaxed === false) return { variant: 'simd', note: 'SIMD; relaxed SIMD switched off' };
  if (relaxed === true || hasRelaxedSimd()) return { variant: 'relaxed', note: 'relaxed SIMD' };
  return { variant: 'simd', note: 'SIMD; this engine has no relaxed SIMD' };
}

/** @throws OutOfMemoryError where there is not even room for an empty memory */
function memoryOf(limits: WebAssembly.MemoryDescriptor): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory(limits);
  } catch (cause) {
    throw new OutOfMemoryError({
      what: 'the memory of the wasm backend',
      value: String(cause),
      expected: 'room for one of at most 4 GiB',
      remedy: 'Close other backends, or set maxBytes.',
      cause,
    });
  }
}

/** @throws BackendError when more than one was asked for and cannot be had */
function threadsOf(threads: 'auto' | number): { count: number; note: string } {
  const reason = noThreads();
  if (threads === 1) return { count: 1, note: 'one thread, as asked for' };
  if (reason !== undefined) {
    if (threads === 'auto') return { count: 1, note: `one thread: ${reason}` };
    throw new BackendError({
      what: 'threads of the wasm backend',
      value: threads,
      expected: `1: ${reason}`,
      remedy: 'Leave the option out.',
    });
  }
  if (threads !== 'auto') return { count: threads, note: `${threads} threads, as asked for` };
  const count = Math.max(1, Math.min(processors(), mostThreadsByItself));
  return { count, note: `${count} thread${count > 1 ? 's' : ''} for ${processors()} processors` };
}

const known: KnownKeys<WasmOptions> = { threads: true, relaxed: true, wide: true, maxBytes: true };

/**
 * A factory for the WebAssembly backend: float32 and int32 on the CPU, in every engine with WebAssembly SIMD.
 *
 * `open` throws BackendError where the engine does not take the module.
 *
 * @throws ConfigError for options out of range
 * @example
 * ```ts
 * import { wasm } from '@sympow/backend-wasm';
 * const backend = await wasm().open();
 * const y = backend.empty([2]);
 * backend.kernels.add({ a: backend.upload([1, 2], [2]), b: backend.upload([3, 4], [2]), y });
 * console.log(await y.read()); // Float32Array [4, 6]
 * ```
 */
export function wasm(options: WasmOptions = {}): BackendFactory {
  requireKnownKeys('wasm', options, known);
  const { threads = 'auto', relaxed = 'auto', wide = false, maxBytes = mostBytes } = options;
  if (threads !== 'auto' && !(Number.isSafeInteger(threads) && threads >= 1 && threads <= mostThreads)) {
    const expected = `auto, or a whole number from 1 to ${mostThreads}`;
    throw new ConfigError({ what: 'threads of the wasm backend', value: threads, expected });
  }
  if (relaxed !== 'auto' && typeof relaxed !== 'boolean') {
    throw new ConfigError({ what: 'relaxed of the wasm backend', value: relaxed, expected: 'auto, true or false' });
  }
  if (wide && relaxed === false) {
    const expected = 'relaxed SIMD not switched off';
    throw new ConfigError({ what: 'wide of the wasm backend', value: wide, expected });
  }
  if (!(maxBytes >= 2 ** 20 && maxBytes <= mostBytes)) {
    throw new ConfigError({ what: 'maxBytes of the wasm backend', value: maxBytes, expected: '2^20 to 2^32' });
  }
  return {
    name: 'wasm',
    open: async () => {
      const { variant, note } = variantOf(relaxed, wide);
      const open = async (count: number, threadNote: string) => {
        const module = await moduleOf(variant, count > 1);
        const limits = { initial: 1, maximum: Math.floor(maxBytes / pageBytes) };
        const memory = memoryOf(count > 1 ? { ...limits, shared: true } : limits);
        return new WasmBackend(await Machine.open(module, memory, count), maxBytes, [note, threadNote]);
      };
      const wanted = threadsOf(threads);
      try {
        return await open(wanted.count, wanted.note);
      } catch (error) {
        if (threads !== 'auto' || wanted.count === 1) throw error;
        return open(1, `one thread: ${String(error)}`);
      }
    },
  };
}
