/**
 * The device as kernels see it: `launch` records one dispatch, and what was recorded goes to the queue in few submits, at
 * reads, at `finish` and when there is enough of it. A launch whose tensors and parameters repeat makes no object on the device, and
 * a recording is a list of such launches, which are made again without a look at them.
 */

import { isHalf, type HalfType, type Replay, type Stored } from '@sympow/kernels';
import type { AdapterFacts, Products, WarmUp } from './api';
import { Bindings, type Binding } from './bindings';
import type { Failures } from './failures';
import { mapRead, usage } from './gpu';
import type { DeviceBuffer, Launch } from './launch';
import type { Pipelines, Wanted } from './pipelines';
import { Timer } from './timer';

export type { DeviceBuffer, Launch } from './launch';

/** A launch as the device takes it. */
interface Dispatch {
  readonly name: string;
  readonly pipeline: GPUComputePipeline;
  readonly binding: Binding;
  readonly columns: number;
  readonly rows: number;
}

/** Dispatches in one submit at most: few, so that the device begins while more are recorded. */
const batchSize = 64;

export class Machine {
  /** Flags that every shader has: what the device can do. */
  readonly features: readonly string[];
  readonly timer: Timer | undefined;
  readonly products: Products;
  private readonly bindings: Bindings;
  private readonly staging = new Map<number, GPUBuffer[]>();
  private readonly foldAt: number;
  private encoder: GPUCommandEncoder | undefined;
  private pass: GPUComputePassEncoder | undefined;
  /** Number of the batch that is being recorded, and its dispatches so far. */
  private batch = 1;
  private launches = 0;
  /** Whether it holds a launch that was made for the first time. */
  private fresh = false;
  /** What a recording has noted so far. */
  private recorded: Dispatch[] | undefined;
  /** While a warm-up looks on: what would have been compiled. */
  private wanted: Map<string, Wanted> | undefined;
  private made = 0;
  private readonly buffers = new Set<DeviceBuffer>();

  constructor(
    readonly device: GPUDevice,
    readonly facts: AdapterFacts,
    readonly failures: Failures,
    readonly pipelines: Pipelines,
    { timestamps = false, products }: { timestamps?: boolean; products?: Products | undefined } = {},
  ) {
    this.products = products ?? 'float32';
    this.features = [...facts.features.filter((name) => name === 'subgroups'), ...(facts.software ? ['software'] : [])];
    this.foldAt = facts.limits.maxComputeWorkgroupsPerDimension!;
    this.bindings = new Bindings(device, failures, () => this.submit());
    this.timer = timestamps ? new Timer(device, batchSize) : undefined;
  }

  /** @throws OutOfMemoryError at a later call where the device has no such memory left */
  allocate(bytes: number): DeviceBuffer {
    this.failures.check();
    const gpu = this.failures.watch(`a buffer of ${bytes} bytes`, () =>
      this.device.createBuffer({ size: bytes, usage: usage.storage | usage.copySource | usage.copyTarget }),
    );
    const buffer = { id: ++this.made, gpu, bytes, usedIn: 0, groups: new Set<string>() };
    this.buffers.add(buffer);
    return buffer;
  }

  release(buffer: DeviceBuffer): void {
    if (buffer.usedIn === this.batch) this.submit();
    this.bindings.forget(buffer);
    buffer.gpu.destroy();
    this.buffers.delete(buffer);
  }

  /** @throws what went wrong on the device since the last call */
  launch(name: string, launch: Launch): void {
    const { imports, flags = [], constants, tensors, asBits = false, groups } = launch;
    this.failures.check();
    if (groups === 0) return;
    const set = new Set(this.features);
    for (const flag of flags) set.add(flag);
    let halves: Record<string, HalfType> | undefined;
    for (const name in tensors) {
      const tensor = tensors[name];
      if (!tensor) continue;
      set.add(name);
      if (isHalf(tensor.dtype) && !asBits) (halves ??= {})[name] = tensor.dtype;
    }
    const variant = { imports, flags: set, constants, halves };
    if (this.wanted) {
      this.pipelines.collect(this.wanted, name, variant);
      return;
    }
    const pipeline = this.pipelines.get(name, variant);
    const binding = this.recorded
      ? this.bindings.own(name, pipeline, launch)
      : this.bindings.of(name, pipeline, launch);
    const rows = Math.ceil(groups / this.foldAt);
    const dispatch = { name, pipeline: pipeline.pipeline, binding, columns: Math.ceil(groups / rows), rows };
    this.recorded?.push(dispatch);
    this.fresh = true;
    for (const buffer of binding.buffers) buffer.usedIn = this.batch;
    this.encode(dispatch);
  }

  /** Runs `body` and keeps its launches. */
  record(body: () => void): Replay {
    const outer = this.recorded;
    const list: Dispatch[] = (this.recorded = []);
    const dispose = () => list.splice(0).forEach(({ binding }) => this.bindings.release(binding));
    try {
      body();
    } catch (error) {
      dispose();
      throw error;
    } finally {
      this.recorded = outer;
    }
    const buffers = [...new Set(list.flatMap(({ binding }) => binding.buffers))];
    const replay = () => {
      this.failures.check();
      for (let i = 0; i < list.length; i++) this.encode(list[i]!);
      for (let i = 0; i < buffers.length; i++) buffers[i]!.usedIn = this.batch;
    };
    return { replay, dispose };
  }

  /** Compiles what the launches of `body` need, and launches nothing. */
  async warmUp(body: () => void, onProgress?: (progress: WarmUp) => void): Promise<void> {
    const wanted = (this.wanted = new Map<string, Wanted>());
    try {
      body();
    } finally {
      this.wanted = undefined;
    }
    const total = wanted.size;
    let done = 0;
    onProgress?.({ done, total });
    await this.pipelines.compile(wanted, () => onProgress?.({ done: ++done, total }));
    await this.failures.settled();
  }

  /** Hands what was recorded to the queue. */
  submit(): void {
    const { encoder } = this;
    if (!encoder) return;
    const hand = () => {
      this.endPass();
      const collected = this.timer?.collect(encoder);
      this.device.queue.submit([encoder.finish()]);
      collected?.();
    };
    if (this.fresh) this.failures.watch('a batch of kernels', hand);
    else hand();
    this.fresh = false;
    this.encoder = undefined;
    this.launches = 0;
    this.batch++;
  }

  /** Overwrites the beginning of a buffer, after the kernels that were launched before. */
  write(buffer: DeviceBuffer, data: Stored): void {
    this.failures.check();
    if (data.length === 0) return;
    if (buffer.usedIn === this.batch) this.submit();
    const { queue } = this.device;
    if (data.byteLength % 4 === 0) {
      // Dawn in Node crashes on shared memory.
      const own = data.buffer instanceof ArrayBuffer ? data : data.slice();
      return queue.writeBuffer(buffer.gpu, 0, own as Uint16Array<ArrayBuffer>);
    }
    // An odd number of halves: what is written are words.
    const padded = new Uint16Array(data.length + 1);
    padded.set(data);
    queue.writeBuffer(buffer.gpu, 0, padded);
  }

  /** The first `size` bytes of a buffer, or a few more, as they are once all kernels launched so far have run. */
  async read(buffer: DeviceBuffer, size: number): Promise<ArrayBuffer> {
    const bytes = Math.ceil(size / 4) * 4;
    this.failures.check();
    if (bytes === 0) return new ArrayBuffer(0);
    const room = 2 ** Math.ceil(Math.log2(Math.max(bytes, 256)));
    const waiting = this.staging.get(room) ?? [];
    this.staging.set(room, waiting);
    const staging =
      waiting.pop() ??
      this.failures.watch('a buffer for reading', () =>
        this.device.createBuffer({ size: room, usage: usage.mapRead | usage.copyTarget }),
      );
    this.endPass();
    this.recorder().copyBufferToBuffer(buffer.gpu, 0, staging, 0, bytes);
    this.submit();
    try {
      await staging.mapAsync(mapRead, 0, bytes);
    } catch (cause) {
      staging.destroy();
      return this.failures.explain(cause);
    }
    const copy = staging.getMappedRange(0, bytes).slice(0);
    staging.unmap();
    waiting.push(staging);
    await this.failures.settled();
    return copy;
  }

  /** Waits until everything launched so far has run. @throws what went wrong */
  async finish(): Promise<void> {
    this.submit();
    try {
      await this.device.queue.onSubmittedWorkDone();
    } catch (cause) {
      await this.failures.explain(cause);
    }
    await this.failures.settled();
  }

  /** Gives everything back, tensors that are live too. */
  close(): void {
    this.submit();
    this.bindings.close();
    for (const { gpu } of this.buffers) gpu.destroy();
    this.buffers.clear();
    this.timer?.destroy();
    for (const waiting of this.staging.values()) for (const buffer of waiting) buffer.destroy();
    this.staging.clear();
  }

  private encode({ name, pipeline, binding, columns, rows }: Dispatch): void {
    const pass = this.beginPass(name);
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, binding.group);
    pass.dispatchWorkgroups(columns, rows);
    if (this.timer) this.endPass();
    if (++this.launches === batchSize) this.submit();
  }

  private recorder(): GPUCommandEncoder {
    return (this.encoder ??= this.device.createCommandEncoder());
  }

  private beginPass(name: string): GPUComputePassEncoder {
    const timestampWrites = this.timer?.next(name);
    return (this.pass ??= this.recorder().beginComputePass(timestampWrites ? { timestampWrites } : undefined));
  }

  private endPass(): void {
    this.pass?.end();
    this.pass = undefined;
  }
}
