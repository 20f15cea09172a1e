/**
 * Options of this backend and what it says beyond the contract.
 *
 * The types of WebGPU are described by the little that is used of them, so that these declarations need no global `GPU*`
 * types: `navigator.gpu`, what Dawn's `create` returns, and their devices all fit.
 */

import type { Backend, BackendFactory, Recording, Tensor } from '@sympow/kernels';

/** `navigator.gpu`, or what `create([...])` of the package `webgpu` (Dawn for Node) returns. */
export interface GpuLike {
  requestAdapter(options?: object): Promise<object | null>;
}

/** Makes the first with switches of Dawn: `` (toggles) => create([`enable-dawn-features=${toggles.join()}`]) ``. */
export type MakeGpu = (toggles: readonly string[]) => GpuLike;

/** A `GPUDevice`. */
export interface DeviceLike {
  readonly features: { has(name: string): boolean };
  readonly limits: object;
  readonly queue: object;
  readonly lost: Promise<object>;
  createShaderModule(descriptor: never): object;
}

/** How many of the shaders that something needs are compiled. */
export interface WarmUp {
  readonly done: number;
  readonly total: number;
}

/** Which device `webgpu` opens, and what is looked at while it computes. */
export interface WebGpuOptions {
  /**
   * Where to ask for a device; by default `navigator.gpu`. In Node: `create([])` of the package `webgpu`, or a function that calls
   * `create` with the switches of Dawn that other options need.
   */
  readonly gpu?: GpuLike | MakeGpu | undefined;
  /** A device to compute on. It is used with the limits and features it has, and never destroyed. */
  readonly device?: DeviceLike | undefined;
  /** Which adapter to ask for where there are several; `high-performance` by default. */
  readonly powerPreference?: 'high-performance' | 'low-power' | undefined;
  /** Whether an adapter that computes on the CPU will do; true by default. */
  readonly software?: boolean | undefined;
  /** Most bytes of the device that tensors may take, the pool included; no bound by default. */
  readonly maxBytes?: number | undefined;
  /**
   * What `matmul`, attention and the products with φ multiply with. `float32`, the default, runs on every device. The others run on
   * matrix units, where a device has them (`adapter.matrixUnits`), an experimental feature that has to be asked for: `split` takes each operand as the sum of two
   * halves and loses the last two bits of float32, some 3e-6; `float16` rounds operands to halves, some 3e-4. Sums are float32 in all
   * of them, and operands are scaled so that they fit. `capabilities.notes` says which it is.
   */
  readonly products?: Products | undefined;
  /**
   * Whether shaders check that each index lies within its tensor. `on`, the default, is what WebGPU promises: a wrong index reads and
   * writes nothing of others. `off` leaves these checks out, in Node alone, and is faster, by up to 40 % on a large GPU; a driver then
   * compiles other code, and some have computed wrong numbers with it. So it opens only where `verified` has the
   * {@link WebGpuBackend.fingerprint}. `trial` is `off` before that, for a run of the conformance suite: trust no number until it passed.
   */
  readonly boundsChecks?: BoundsChecks | undefined;
  /**
   * Fingerprints for which all of the conformance suite has passed with `boundsChecks: 'trial'`; none by default. The version of Dawn is
   * not in them: keep it beside them, and leave out those of another.
   */
  readonly verified?: readonly string[] | undefined;
  /** Measures every kernel by timestamp queries, see {@link WebGpuBackend.timings}. Off by default. */
  readonly timestamps?: boolean | undefined;
}

/** What products multiply with; see {@link WebGpuOptions.products}. */
export type Products = 'float32' | 'split' | 'float16';

/** Whether indexes are checked; see {@link WebGpuOptions.boundsChecks}. */
export type BoundsChecks = 'on' | 'off' | 'trial';

/** What the device said about itself. */
export interface AdapterFacts {
  readonly vendor: string;
  readonly architecture: string;
  /** The name of the device. */
  readonly device: string;
  readonly description: string;
  /** Whether it computes on the CPU. */
  readonly software: boolean;
  /** Features of the device that this backend can use. */
  readonly features: readonly string[];
  /** Whether it multiplies matrices of halves by itself, in the one size that this backend uses. */
  readonly matrixUnits: boolean;
  /** Limits of the device that bound what it can compute. */
  readonly limits: Readonly<Record<string, number>>;
}

/** Time that the device spent in one kernel of this backend. */
export interface KernelTime {
  /** The shader, named after its file. */
  readonly name: string;
  readonly launches: number;
  readonly milliseconds: number;
}

/** A backend on a GPU, with what WebGPU has beyond the contract. It is what `webgpu()` opens. */
export interface WebGpuBackend extends Backend {
  readonly adapter: AdapterFacts;
  /**
   * Device, driver, products and shaders in one line. Where two are the same, and the version of Dawn too, what was found of numbers on one holds
   * on the other.
   */
  readonly fingerprint: string;
  /** See `Backend.record`. A replay hands the device what it was handed before: no check, no new object, 2 to 3 µs a launch. */
  record(body: () => Tensor): Recording;
  /**
   * Compiles the shaders that `body` will need, side by side and off this thread, so that its first run does not wait for
   * them one by one. `body` makes its tensors and calls its kernels as always, but nothing is computed meanwhile, and what
   * the tensors hold afterwards is undefined unless it was there before.
   *
   * @example
   * ```ts
   * import { webgpu } from '@sympow/backend-webgpu';
   * import { create } from 'webgpu';
   * const backend = await webgpu({ gpu: create([]) }).open();
   * const [x, y] = [backend.upload([1, 2], [2]), backend.empty([2])];
   * const step = () => backend.kernels.gelu({ x, y });
   * await backend.warmUp(step, ({ done, total }) => console.log(`${done} of ${total}`)); // 0 of 1, 1 of 1
   * step();
   * await backend.close();
   * ```
   */
  warmUp(body: () => void, onProgress?: (progress: WarmUp) => void): Promise<void>;
  /**
   * Waits for the kernels enqueued so far and returns the time spent in each since the last call, longest first.
   *
   * @throws BackendError without the option `timestamps`
   */
  timings(): Promise<readonly KernelTime[]>;
}

/** A factory whose backend says more than the contract asks for. */
export interface WebGpuFactory extends BackendFactory {
  open(): Promise<WebGpuBackend>;
}
