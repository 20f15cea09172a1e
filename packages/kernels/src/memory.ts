/**
 * Tensors, their pool and their scopes: the bookkeeping that every backend shares, over whatever it calls a buffer.
 *
 * A buffer that is given back waits in the pool for the next tensor of its size class, so a loop whose shapes repeat asks
 * the device for memory in its first round only. Contents are never cleared.
 */

import { ConfigError, isSympowError, isThenable, isTypedArray, OutOfMemoryError, ShapeError } from '@sympow/core';
import type { Backend, DType, Elements, Keep, MemoryReport, Shape, Tensor } from './api';
import { bytesPerElement } from './dtypes';
import { BackendError } from './errors';
import { Pool, sizeClass, type Block } from './pool';
import { refuseDisposed, refuseForeign } from './refusals';
import { noteWrite, recordingOf, type Recording, type Replay } from './recording';

/** What a backend brings: raw memory by the byte, and its own view of it as a tensor's handle. */
export interface Device<Buffer, Handle> {
  /** @throws when the device has no such block left; the pool is emptied and the call repeated once. */
  allocate(bytes: number): Buffer;
  release(buffer: Buffer): void;
  /** Told when a buffer begins to wait in the pool. */
  idle?(buffer: Buffer): void;
  handle(buffer: Buffer, dtype: DType, size: number): Handle;
  /** Runs `body` and keeps what it launched in a form of the device's own. Without it kernels are called again. */
  record?(body: () => void): Replay;
}

/** Size of a shape in elements. @throws ShapeError for an axis that is not a whole number of at least 0 */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const axis of shape) {
    if (!Number.isSafeInteger(axis) || axis < 0) {
      throw new ShapeError({
        what: 'a tensor axis',
        value: axis,
        expected: `whole numbers of at least 0 in [${shape.join(', ')}]`,
      });
    }
    size *= axis;
  }
  return size;
}

/** The backend on which a tensor lives, with its kernels. */
export function backendOf(tensor: Tensor): Backend {
  return tensor.backend as Backend;
}

class PooledTensor<Buffer, Handle> implements Tensor {
  private given = false;

  constructor(
    private readonly memory: Memory<Buffer, Handle>,
    readonly block: Block<Buffer>,
    readonly shape: Shape,
    readonly dtype: DType,
    readonly size: number,
    readonly handle: Handle,
  ) {}

  get backend(): Backend {
    return this.memory.backend;
  }

  /** All tensors of a closed backend are. */
  get disposed(): boolean {
    return this.given || this.memory.closed;
  }

  read() {
    return this.backend.read(this);
  }

  dispose(): void {
    if (this.given) return;
    this.given = true;
    this.memory.giveBack(this);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Makes tensors on a {@link Device}, pools their buffers and counts them. One per backend. */
export class Memory<Buffer, Handle> {
  private pool = new Pool<Buffer>();
  private readonly scopes: Set<PooledTensor<Buffer, Handle>>[] = [];
  /** The pool of everybody, while a recording has one of its own. */
  private shared: Pool<Buffer> | undefined;
  private liveBuffers = 0;
  private liveBytes = 0;
  private pooledBytes = 0;
  private peakBytes = 0;
  private allocations = 0;
  /** Whether {@link close} was called. */
  closed = false;

  constructor(
    readonly backend: Backend,
    private readonly device: Device<Buffer, Handle>,
  ) {}

  empty(shape: Shape, dtype: DType = this.backend.capabilities.float): Tensor {
    if (this.closed)
      throw new BackendError({
        what: 'the backend',
        value: `${this.backend.name}, closed`,
        expected: 'an open one',
        remedy: 'Open another.',
      });
    const { dtypes, maxTensorBytes } = this.backend.capabilities;
    if (!dtypes.includes(dtype)) {
      throw new ConfigError({
        what: `dtype on backend ${this.backend.name}`,
        value: dtype,
        expected: `one of ${dtypes.join(', ')}`,
      });
    }
    const size = sizeOf(shape);
    const bytes = size * bytesPerElement[dtype];
    if (bytes > maxTensorBytes) {
      throw new OutOfMemoryError({
        what: `a tensor [${shape.join(', ')}] on backend ${this.backend.name}`,
        value: `${bytes} bytes`,
        expected: `at most ${maxTensorBytes} bytes`,
        remedy: 'Use a smaller batch, context, chunk or power.',
      });
    }
    const block = this.take(sizeClass(bytes));
    return this.track(
      new PooledTensor(this, block, [...shape], dtype, size, this.device.handle(block.buffer, dtype, size)),
    );
  }

  /** A new tensor that the backend's own `write` fills; see `Backend.upload`. */
  upload(data: Elements, shape: Shape, dtype?: DType): Tensor {
    const tensor = this.empty(shape, dtype ?? (isTypedArray(data, 'Int32Array') ? 'int32' : undefined));
    try {
      this.backend.write(tensor, data);
    } catch (error) {
      tensor.dispose();
      throw error;
    }
    return tensor;
  }

  /** {@link own}, for a tensor that is to take these numbers. @throws ShapeError if it does not hold as many */
  receiving(tensor: Tensor, data: Elements): PooledTensor<Buffer, Handle> {
    if (data.length !== tensor.size) {
      throw new ShapeError({
        what: `data for a tensor [${tensor.shape.join(', ')}]`,
        value: `${data.length} numbers`,
        expected: `${tensor.size}`,
      });
    }
    noteWrite(this.backend);
    return this.own(tensor);
  }

  view(tensor: Tensor, shape: Shape): Tensor {
    const source = this.own(tensor);
    const size = sizeOf(shape);
    if (size !== source.size) {
      throw new ShapeError({
        what: 'a view',
        value: shape,
        expected: `${source.size} elements as in [${source.shape.join(', ')}]`,
      });
    }
    source.block.owners++;
    return this.track(new PooledTensor(this, source.block, [...shape], source.dtype, size, source.handle));
  }

  scope<R>(body: (keep: Keep) => R): R {
    const made = new Set<PooledTensor<Buffer, Handle>>();
    const kept: PooledTensor<Buffer, Handle>[] = [];
    const outer = this.scopes.at(-1);
    this.scopes.push(made);
    try {
      const result = body((tensor) => {
        const own = this.own(tensor);
        if (made.delete(own)) {
          outer?.add(own);
          kept.push(own);
        }
        return tensor;
      });
      if (isThenable(result)) {
        throw new ConfigError({
          what: 'a scope',
          value: 'an async function',
          expected: 'a synchronous one',
          remedy: 'Keep what you need and await outside.',
        });
      }
      return result;
    } catch (error) {
      for (const tensor of kept) tensor.dispose();
      throw error;
    } finally {
      this.scopes.pop();
      for (const tensor of made) tensor.dispose();
    }
  }

  /**
   * See `Backend.record`. The buffers of what `body` has made and disposed of wait for the recording alone, in a pool of its own: a
   * replay fills them in the same order.
   */
  record(body: () => Tensor): Recording {
    const shared = this.pool;
    const own = (this.pool = new Pool<Buffer>());
    let output: Tensor | undefined;
    const hold = (sign: 1 | -1) => {
      for (const { bytes } of own) this.count(sign, bytes);
    };
    const giveBack = () => {
      for (const block of own) shared.put(block);
      own.clear();
    };
    this.shared = shared;
    try {
      const { complete, replay, dispose } = recordingOf(this.backend, this.device, () => {
        output = this.detach(this.scope((keep) => keep(body())));
      });
      hold(1);
      return {
        output: output!,
        complete,
        replay,
        dispose: () => {
          dispose();
          output!.dispose();
          hold(-1);
          giveBack();
        },
      };
    } catch (error) {
      giveBack();
      throw error;
    } finally {
      this.pool = shared;
      this.shared = undefined;
    }
  }

  detach(tensor: Tensor): Tensor {
    const own = this.own(tensor);
    for (const scope of this.scopes) scope.delete(own);
    return tensor;
  }

  /** Called by the tensor itself. */
  giveBack(tensor: PooledTensor<Buffer, Handle>): void {
    for (const scope of this.scopes) scope.delete(tensor);
    const { block } = tensor;
    if (--block.owners > 0 || this.closed) return;
    this.count(-1, block.bytes);
    this.device.idle?.(block.buffer);
    this.pool.put(block);
  }

  report(): MemoryReport {
    const { liveBuffers, liveBytes, pooledBytes, peakBytes, allocations } = this;
    return { liveBuffers, liveBytes, pooledBytes, peakBytes, allocations };
  }

  /** Gives the pooled buffers back to the device. */
  trim(): void {
    for (const { buffer, bytes } of this.shared ?? this.pool) {
      this.device.release(buffer);
      this.pooledBytes -= bytes;
    }
    (this.shared ?? this.pool).clear();
  }

  close(): void {
    this.trim();
    this.closed = true;
  }

  /** The tensor as one of this memory's own, usable. @throws BackendError for a foreign or disposed tensor */
  own(tensor: Tensor): PooledTensor<Buffer, Handle> {
    if (!(tensor instanceof PooledTensor) || tensor.backend !== this.backend) {
      refuseForeign('a tensor', tensor, this.backend);
    }
    if (tensor.disposed) refuseDisposed('a tensor', tensor);
    return tensor as PooledTensor<Buffer, Handle>;
  }

  private track(tensor: PooledTensor<Buffer, Handle>): PooledTensor<Buffer, Handle> {
    this.scopes.at(-1)?.add(tensor);
    return tensor;
  }

  private take(bytes: number): Block<Buffer> {
    let block = this.pool.take(bytes) ?? this.shared?.take(bytes);
    if (!block) {
      block = { buffer: this.allocate(bytes), bytes, id: ++this.allocations, owners: 0 };
      this.pooledBytes += bytes;
    }
    this.count(1, bytes);
    this.peakBytes = Math.max(this.peakBytes, this.liveBytes);
    block.owners = 1;
    return block;
  }

  /** A block that goes from the pool into use, or back. */
  private count(sign: 1 | -1, bytes: number): void {
    this.liveBuffers += sign;
    this.liveBytes += sign * bytes;
    this.pooledBytes -= sign * bytes;
  }

  private allocate(bytes: number): Buffer {
    try {
      return this.device.allocate(bytes);
    } catch {
      this.trim();
    }
    try {
      return this.device.allocate(bytes);
    } catch (cause) {
      if (isSympowError(cause)) throw cause;
      throw new OutOfMemoryError({
        what: `memory of backend ${this.backend.name}`,
        value: `${bytes} bytes more than the ${this.liveBytes} in use`,
        expected: 'what the device has left',
        remedy: 'Use a smaller batch, context or model.',
        cause,
      });
    }
  }
}
