/** What every backend of this repository is beside its kernels: tensors from a pool. */

import type {
  Backend,
  Capabilities,
  DType,
  Elements,
  Keep,
  Kernels,
  MemoryReport,
  Shape,
  Tensor,
  TypedArray,
} from './api';
import { Memory, type Device } from './memory';

/**
 * A backend whose tensors come from {@link Memory}. What moves their numbers, and the kernels, are left to the device; one whose
 * blocks last may offer `record`, which is `store.record`.
 */
export abstract class PooledBackend<Buffer, Handle> implements Backend {
  abstract readonly name: string;
  abstract readonly capabilities: Capabilities;
  abstract readonly kernels: Kernels;
  protected readonly store: Memory<Buffer, Handle>;

  constructor(device: Device<Buffer, Handle>) {
    this.store = new Memory<Buffer, Handle>(this, device);
  }

  abstract write(tensor: Tensor, data: Elements): void;
  abstract read(tensor: Tensor): Promise<TypedArray>;
  abstract finish(): Promise<void>;
  abstract close(): Promise<void>;

  empty(shape: Shape, dtype?: DType): Tensor {
    return this.store.empty(shape, dtype);
  }

  upload(data: Elements, shape: Shape, dtype?: DType): Tensor {
    return this.store.upload(data, shape, dtype);
  }

  view(tensor: Tensor, shape: Shape): Tensor {
    return this.store.view(tensor, shape);
  }

  scope<R>(body: (keep: Keep) => R): R {
    return this.store.scope(body);
  }

  detach(tensor: Tensor): Tensor {
    return this.store.detach(tensor);
  }

  memory(): MemoryReport {
    return this.store.report();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
