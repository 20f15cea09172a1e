/** The `js` backend: plain TypeScript on typed arrays. It is the meaning of every kernel and runs everywhere. */

import type { BackendFactory, Elements, Recording, Tensor, TypedArray } from '../api';
import { putElements, readElements, storedView, type Stored } from '../dtypes';
import { checked, type UncheckedKernels } from '../checked';
import { PooledBackend } from '../pooledBackend';
import { movingHalves } from '../widening';
import { requireKnownKeys, type KnownKeys } from '@sympow/core';
import { ConfigError } from '../errors';
import { bodyOf, definitions, type KernelName } from '../catalogue';

/** Every kernel of the catalogue, unchecked. What is made of others goes faster by its body; by itself it is the definition. */
function kernelsFor(float: 'float32' | 'float64'): UncheckedKernels {
  const all = Object.entries(Object.assign({}, ...definitions) as UncheckedKernels);
  return Object.fromEntries(
    all.filter(([name]) => float === 'float64' || !bodyOf(name as KernelName)),
  ) as unknown as UncheckedKernels;
}

/** How `js` computes. */
export interface JsOptions {
  /**
   * What kernels compute in and tensors hold by default; sums are always doubles. `float64` makes the backend the definition
   * that others are measured against.
   */
  readonly float?: 'float32' | 'float64';
}

class JsBackend extends PooledBackend<ArrayBuffer, Stored> {
  readonly name: string;
  readonly capabilities;
  readonly kernels;

  constructor(float: 'float32' | 'float64') {
    super({
      allocate: (bytes) => new ArrayBuffer(bytes),
      release: () => undefined,
      handle: (buffer, dtype, size) => storedView(dtype, buffer, 0, size),
    });
    this.name = float === 'float32' ? 'js' : 'js64';
    this.capabilities = {
      float,
      dtypes: ['float32', 'float64', 'float16', 'bfloat16', 'int32'] as const,
      maxTensorBytes: 2 ** 32,
      blockBytes: 2 ** 26,
      threads: 1,
      synchronousRead: true,
      notes: ['plain TypeScript, double accumulation, one thread'],
    };
    this.kernels = checked(kernelsFor(float), this, { ...movingHalves, append: ['keys', 'values'] });
  }

  write(tensor: Tensor, data: Elements): void {
    const { dtype, handle } = this.store.receiving(tensor, data);
    putElements(dtype, handle, data);
  }

  // Reads at once, before kernels that are called later, and turns what it throws into a rejection.
  async read(tensor: Tensor): Promise<TypedArray> {
    return this.readSync(tensor);
  }

  readSync(tensor: Tensor): TypedArray {
    const { dtype, handle } = this.store.own(tensor);
    return readElements(dtype, handle);
  }

  record(body: () => Tensor): Recording {
    return this.store.record(body);
  }

  finish(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.store.close();
    return Promise.resolve();
  }
}

const known: KnownKeys<JsOptions> = { float: true };

/**
 * A factory for the plain TypeScript backend.
 *
 * @throws ConfigError for an unknown `float`
 * @example
 * ```ts
 * import { js } from '@sympow/kernels';
 * const backend = await js().open();
 * const y = backend.empty([2]);
 * backend.kernels.add({ a: backend.upload([1, 2], [2]), b: backend.upload([3, 4], [2]), y });
 * console.log(await y.read()); // Float32Array [4, 6]
 * ```
 */
export function js(options: JsOptions = {}): BackendFactory {
  requireKnownKeys('js', options, known);
  const { float = 'float32' } = options;
  if (!['float32', 'float64'].includes(float)) {
    throw new ConfigError({ what: 'float of the js backend', value: float, expected: 'float32 or float64' });
  }
  return { name: float === 'float32' ? 'js' : 'js64', open: () => Promise.resolve(new JsBackend(float)) };
}
