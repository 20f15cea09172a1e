/** The `js` backend: plain TypeScript on typed arrays. It is the meaning of every kernel and runs everywhere. */

import { requireKnownKeys, type KnownKeys } from '@sympow/core';
import type { BackendFactory, Elements, Recording, Tensor, TypedArray } from '../api';
import { kernelNames, type Bodies, type KernelName } from '../catalogue';
import * as definitions from '../definitions.gen';
import { castJs } from '../catalogue/cast';
import { copyBlockJs } from '../catalogue/copyBlock';
import { fillJs } from '../catalogue/fill';
import { checkedWith, type UncheckedKernel } from '../checked';
import { putElements, readElements, storedView, type Stored } from '../dtypes';
import { BackendError, ConfigError } from '../errors';
import { PooledBackend } from '../pooledBackend';
import { movingHalves } from '../widening';

/**
 * A kernel of the `js` backend with its backward, for {@link jsWith}: `matmulJs` for `matmul`, `normsJs` for `layerNorm` and
 * `rmsNorm`.
 */
export type JsKernels = { readonly [K in KernelName]?: UncheckedKernel<K> } & {
  /** What is made of others goes faster by its body; by itself it is the definition. */
  readonly bodies?: Bodies;
};

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

  constructor(float: 'float32' | 'float64', chosen: readonly JsKernels[]) {
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
    const { bodies, ...own } = gathered(chosen, float === 'float32');
    this.kernels = checkedWith(bodies, own, this, { ...movingHalves, append: ['keys', 'values'] });
  }

  write(tensor: Tensor, data: Elements): void {
    const { dtype, handle } = this.store.receiving(tensor, data);
    putElements(dtype, handle, data);
  }

  // Reads at once, before kernels that are called later, and turns what it throws into a rejection.
  async read(tensor: Tensor): Promise<TypedArray> {
    return this.readSync(tensor);
  }

  readSync(tensor: Tensor, into?: TypedArray): TypedArray {
    const { dtype, handle } = this.store.own(tensor);
    return readElements(dtype, handle, into);
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

/** All that there is in one, and in place of what there is not something that says so. */
function gathered(chosen: readonly JsKernels[], byBodies: boolean) {
  const bodies = (byBodies ? Object.assign({}, ...chosen.map((each) => each.bodies)) : {}) as Bodies;
  const missing = kernelNames.map((name) => [name, () => refuseMissing(name)] as const);
  const own = Object.assign(Object.fromEntries(missing), ...chosen) as Record<string, unknown>;
  for (const name of Object.keys(bodies)) delete own[name];
  return { ...own, bodies };
}

function refuseMissing(name: KernelName): never {
  throw new BackendError({
    what: `kernel ${name}`,
    value: 'missing',
    expected: 'one of those that jsWith was given',
    remedy: 'Add it, as matmulJs has matmul with its backward, or open js(), which has all.',
  });
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
  return factory('js', Object.values(definitions), options);
}

/**
 * {@link js} with some kernels only, for a page that runs no others: a bundler leaves the others out. `fill`, `cast` and `copyBlock`
 * are always there. The numbers are those of `js`.
 *
 * @param kernels - what is called, forward and backward: `matmulJs`, or lists such as `chunkedKernels` of `@sympow/recurrence`
 * @throws ConfigError for an unknown `float`; a call of a kernel that is not there throws BackendError
 * @example
 * ```ts
 * import { addJs, jsWith } from '@sympow/kernels';
 * const backend = await jsWith([addJs]).open();
 * const [a, y] = [backend.upload([1, 2], [2]), backend.empty([2])];
 * backend.kernels.add({ a, b: a, y });
 * console.log(await y.read()); // Float32Array [2, 4]
 * try {
 *   backend.kernels.multiply({ a, b: a, y });
 * } catch (error) {
 *   console.log((error as Error).name); // BackendError
 * }
 * ```
 */
export function jsWith(kernels: readonly JsKernels[], options: JsOptions = {}): BackendFactory {
  return factory('jsWith', [fillJs, castJs, copyBlockJs, ...kernels], options);
}

function factory(caller: string, kernels: readonly JsKernels[], options: JsOptions): BackendFactory {
  requireKnownKeys(caller, options, known);
  const { float = 'float32' } = options;
  if (!['float32', 'float64'].includes(float)) {
    throw new ConfigError({ what: 'float of the js backend', value: float, expected: 'float32 or float64' });
  }
  return { name: float === 'float32' ? 'js' : 'js64', open: () => Promise.resolve(new JsBackend(float, kernels)) };
}
