/** The backend: tensors in buffers of a GPU device, and its kernels. */

import {
  BackendError,
  bytesPerElement,
  checked,
  ConfigError,
  PooledBackend,
  readElements,
  requireKnownKeys,
  storedElements,
  storedView,
  type Elements,
  type Kernels,
  type KnownKeys,
  type Recording,
  type Tensor,
  type TypedArray,
} from '@sympow/kernels';
import type { AdapterFacts, KernelTime, Products, WarmUp, WebGpuBackend, WebGpuFactory, WebGpuOptions } from './api';
import { fingerprintOf, requireSwitch, requireVerified } from './boundsChecks';
import { openDevice, type OpenedDevice } from './device';
import { Failures } from './failures';
import { halves, kernelsOf } from './kernels';
import { Machine, type DeviceBuffer } from './machine';
import { Pipelines } from './pipelines';
import { enqueueChecks, selfCheck } from './selfCheck';

/** A large GPU gains nothing by more; a small one says by its largest tensor what it has. */
const mostBlockBytes = 2 ** 28;

export class GpuBackend extends PooledBackend<DeviceBuffer, DeviceBuffer> implements WebGpuBackend {
  readonly name = 'webgpu';
  readonly capabilities;
  readonly kernels: Kernels;
  readonly adapter: AdapterFacts;

  constructor(
    private readonly machine: Machine,
    private readonly opened: OpenedDevice,
    { maxBytes = Infinity, boundsChecks = 'on' }: WebGpuOptions,
  ) {
    const { facts } = opened;
    // Buffers are bound whole, as vectors of four numbers.
    const mostBytes =
      Math.floor(Math.min(facts.limits.maxBufferSize!, facts.limits.maxStorageBufferBindingSize!) / 16) * 16;
    let taken = 0;
    super({
      allocate: (bytes) => {
        const size = Math.min(Math.ceil(bytes / 16) * 16, mostBytes);
        if (taken + size > maxBytes) throw new RangeError(`maxBytes is ${maxBytes}`);
        taken += size;
        return machine.allocate(size);
      },
      release: (buffer) => {
        taken -= buffer.bytes;
        machine.release(buffer);
      },
      handle: (buffer) => buffer,
      record: (body) => machine.record(body),
    });
    this.adapter = facts;
    this.capabilities = {
      float: 'float32',
      dtypes: ['float32', 'float16', 'bfloat16', 'int32'] as const,
      maxTensorBytes: mostBytes,
      blockBytes: Math.min(mostBlockBytes, mostBytes / 4, maxBytes / 8),
      threads: 1,
      synchronousRead: false,
      notes: [
        [facts.vendor, facts.architecture, facts.description].filter(Boolean).join(', ') || 'an unnamed adapter',
        `tensors of at most ${(mostBytes / 2 ** 30).toFixed(1)} GiB`,
        facts.features.length > 0 ? `with ${facts.features.join(', ')}` : 'no optional features',
        ...(facts.matrixUnits
          ? [`products: ${machine.products}${machine.products === 'float32' ? ', though it has matrix units' : ''}`]
          : []),
        ...(boundsChecks === 'on' ? [] : ['indexes are not checked']),
      ],
    } as const;
    this.kernels = checked(kernelsOf(machine), this, halves);
  }

  get fingerprint(): string {
    return fingerprintOf(this.adapter, this.machine.products);
  }

  write(tensor: Tensor, data: Elements): void {
    const { handle, dtype } = this.store.receiving(tensor, data);
    this.machine.write(handle, storedElements(dtype, data));
  }

  async read(tensor: Tensor): Promise<TypedArray> {
    const { handle, dtype, size } = this.store.own(tensor);
    const bytes = await this.machine.read(handle, size * bytesPerElement[dtype]);
    return readElements(dtype, storedView(dtype, bytes, 0, size));
  }

  record(body: () => Tensor): Recording {
    return this.store.record(body);
  }

  finish(): Promise<void> {
    return this.machine.finish();
  }

  warmUp(body: () => void, onProgress?: (progress: WarmUp) => void): Promise<void> {
    return this.machine.warmUp(body, onProgress);
  }

  async timings(): Promise<readonly KernelTime[]> {
    const { timer, failures } = this.machine;
    if (timer) {
      this.machine.submit();
      return timer.take(failures);
    }
    throw new BackendError({
      what: 'timings of the webgpu backend',
      value: 'not measured',
      expected: 'the option timestamps',
      remedy: this.adapter.features.includes('timestamp-query')
        ? 'Open it with timestamps: true.'
        : 'This device has no timestamp queries.',
    });
  }

  async close(): Promise<void> {
    if (this.store.closed) return;
    this.machine.failures.close();
    this.machine.close();
    this.store.close();
    if (!this.opened.foreign) this.opened.device.destroy();
  }
}

const allProducts: readonly Products[] = ['float32', 'split', 'float16'];

const known: KnownKeys<WebGpuOptions> = {
  ...{ gpu: true, device: true, powerPreference: true, software: true },
  ...{ maxBytes: true, products: true, boundsChecks: true, verified: true, timestamps: true },
};

/**
 * A factory for the WebGPU backend: float32 and int32 on a GPU, in browsers, Deno and Node.
 *
 * `open` throws BackendError where there is no device, or one that lacks what an option asks for or computes wrong.
 *
 * @throws ConfigError for options out of range
 * @example
 * ```ts
 * import { webgpu } from '@sympow/backend-webgpu';
 * import { create } from 'webgpu'; // Node only; a browser has navigator.gpu
 * const backend = await webgpu({ gpu: create([]) }).open();
 * const y = backend.empty([2]);
 * backend.kernels.add({ a: backend.upload([1, 2], [2]), b: backend.upload([3, 4], [2]), y });
 * console.log(await y.read()); // Float32Array [4, 6]
 * await backend.close();
 * ```
 */
export function webgpu(options: WebGpuOptions = {}): WebGpuFactory {
  requireKnownKeys('webgpu', options, known);
  const { maxBytes = Infinity, products = 'float32', timestamps = false } = options;
  if (!(maxBytes >= 2 ** 20)) {
    throw new ConfigError({ what: 'maxBytes of the webgpu backend', value: maxBytes, expected: 'at least 2^20' });
  }
  if (!allProducts.includes(products)) {
    throw new ConfigError({
      what: 'products of the webgpu backend',
      value: products,
      expected: allProducts.join(', '),
    });
  }
  requireSwitch(options);
  return {
    name: 'webgpu',
    open: async () => {
      const opened = await openDevice(options);
      const { device, facts, foreign } = opened;
      try {
        if (timestamps) need(facts, 'timestamp-query', 'timestamps');
        if (products !== 'float32' && !facts.matrixUnits) refuseProducts(products);
        const failures = new Failures(device);
        const machine = new Machine(device, facts, failures, new Pipelines(device, failures), {
          timestamps,
          products,
        });
        const backend = new GpuBackend(machine, opened, options);
        requireVerified(backend.fingerprint, options);
        await backend.warmUp(() => enqueueChecks(backend, products).forEach((tensor) => tensor.dispose()));
        await selfCheck(backend, products);
        if (timestamps) await backend.timings();
        return backend;
      } catch (error) {
        if (!foreign) device.destroy();
        throw error;
      }
    },
  };
}

/** @throws BackendError */
function refuseProducts(products: Products): never {
  throw new BackendError({
    what: 'products of the webgpu backend',
    value: products,
    expected: 'a device with matrix units: float32, as this one has none that it shows',
    remedy:
      "In Node, Dawn shows them with create(['enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia']).",
  });
}

/** @throws BackendError where the device lacks a feature that an option needs */
function need({ features }: AdapterFacts, feature: string, option: string): void {
  if (features.includes(feature)) return;
  throw new BackendError({
    what: `option ${option} of the webgpu backend`,
    value: true,
    expected: `a device with ${feature}`,
    remedy: `Leave the option out; this device has ${features.join(', ') || 'no optional features'}.`,
  });
}
