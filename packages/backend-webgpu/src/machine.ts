/**
 * The device as kernels see it: `launch` records one dispatch, and what was recorded goes to the queue in few submits, at
 * reads, at `finish` and when there is enough of it. A launch whose shapes repeat makes no object on the device.
 */

import { isHalf, type HalfType, type Stored, type Tensor } from '@sympow/kernels';
import type { AdapterFacts, WarmUp } from './api';
import type { Failures } from './failures';
import { mapRead, usage } from './gpu';
import type { Pipeline, Pipelines, Wanted } from './pipelines';
import { Timer } from './timer';

/** A buffer of the device; the handle of every tensor in it. */
export interface DeviceBuffer {
  readonly id: number;
  readonly gpu: GPUBuffer;
  readonly bytes: number;
  /** The last batch that uses it. */
  usedIn: number;
  /** Bind groups that hold it. */
  readonly groups: Set<string>;
}

/** One dispatch of one shader. */
export interface Launch {
  /** Files for the slots that the shader imports. */
  readonly imports?: Readonly<Record<string, string>>;
  /** Beyond the names of the tensors that are there and the features of the device. */
  readonly flags?: readonly string[];
  /** Values of the shader's overrides. Every combination is compiled anew: sizes that vary belong into `params`. */
  readonly constants?: Readonly<Record<string, number | boolean>>;
  /** By the names that the shader gives them; what is `undefined` is left out and its flag is off. */
  readonly tensors: Readonly<Record<string, Tensor | undefined>>;
  /** Whether tensors are bits to the shader, whatever their type. */
  readonly asBits?: boolean;
  /** By the names of the fields of the shader's `Params`; a field `groups` is filled in. */
  readonly params?: Readonly<Record<string, number>>;
  /** Workgroups in all. They are folded where they are more than one dimension holds: see `grid.wgsl`. */
  readonly groups: number;
}

/** Dispatches in one submit at most: few, so that the device begins while more are recorded. */
const batchSize = 64;
/** What a dynamic offset of a uniform buffer is a multiple of. */
const slotBytes = 256;
const cachedGroups = 4096;

export class Machine {
  /** Flags that every shader has: what the device can do. */
  readonly features: readonly string[];
  readonly timer: Timer | undefined;
  private readonly ring: GPUBuffer;
  private readonly slots = new ArrayBuffer(batchSize * slotBytes);
  private readonly views = {
    u32: new Uint32Array(this.slots),
    i32: new Int32Array(this.slots),
    f32: new Float32Array(this.slots),
  };
  private readonly bindGroups = new Map<string, GPUBindGroup>();
  private readonly staging = new Map<number, GPUBuffer[]>();
  private readonly offset = new Uint32Array(1);
  private readonly foldAt: number;
  private encoder: GPUCommandEncoder | undefined;
  private pass: GPUComputePassEncoder | undefined;
  /** Number of the batch that is being recorded, and its dispatches so far. */
  private batch = 1;
  private launches = 0;
  /** While a warm-up looks on: what would have been compiled. */
  private wanted: Map<string, Wanted> | undefined;
  private made = 0;
  private readonly buffers = new Set<DeviceBuffer>();

  constructor(
    readonly device: GPUDevice,
    readonly facts: AdapterFacts,
    readonly failures: Failures,
    readonly pipelines: Pipelines,
    { timestamps = false } = {},
  ) {
    this.features = facts.features.filter((name) => name === 'subgroups');
    this.foldAt = facts.limits.maxComputeWorkgroupsPerDimension!;
    this.ring = device.createBuffer({
      label: 'parameters',
      size: batchSize * slotBytes,
      usage: usage.uniform | usage.copyTarget,
    });
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
    for (const key of buffer.groups) this.bindGroups.delete(key);
    buffer.gpu.destroy();
    this.buffers.delete(buffer);
  }

  /** @throws what went wrong on the device since the last call */
  launch(name: string, { imports, flags = [], constants, tensors, asBits = false, params = {}, groups }: Launch): void {
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
    this.writeParameters(name, pipeline, params, groups);
    const group = this.bindGroup(name, pipeline, tensors);
    const pass = this.beginPass(name);
    pass.setPipeline(pipeline.pipeline);
    if (pipeline.parameters.length > 0) {
      this.offset[0] = this.launches * slotBytes;
      pass.setBindGroup(0, group, this.offset, 0, 1);
    } else {
      pass.setBindGroup(0, group);
    }
    const rows = Math.ceil(groups / this.foldAt);
    pass.dispatchWorkgroups(Math.ceil(groups / rows), rows);
    if (this.timer) this.endPass();
    if (++this.launches === batchSize) this.submit();
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
    this.failures.watch('a batch of kernels', () => {
      this.endPass();
      const collected = this.timer?.collect(encoder);
      if (this.launches > 0) this.device.queue.writeBuffer(this.ring, 0, this.slots, 0, this.launches * slotBytes);
      this.device.queue.submit([encoder.finish()]);
      collected?.();
    });
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
    if (data.byteLength % 4 === 0) return queue.writeBuffer(buffer.gpu, 0, data as Uint16Array<ArrayBuffer>);
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
    this.bindGroups.clear();
    for (const { gpu } of this.buffers) gpu.destroy();
    this.buffers.clear();
    this.ring.destroy();
    this.timer?.destroy();
    for (const waiting of this.staging.values()) for (const buffer of waiting) buffer.destroy();
    this.staging.clear();
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

  private writeParameters(name: string, { parameters }: Pipeline, params: Launch['params'], groups: number): void {
    let at = (this.launches * slotBytes) / 4;
    for (const { name: field, type } of parameters) {
      const value = field === 'groups' ? groups : params![field];
      if (value === undefined) throw new Error(`${name}.wgsl: no value for params.${field}`);
      this.views[type][at++] = value;
    }
  }

  private bindGroup(name: string, pipeline: Pipeline, tensors: Launch['tensors']): GPUBindGroup {
    const { batch } = this;
    let key = pipeline.kinds;
    const buffers = pipeline.tensors.map(({ name: binding }) => {
      const tensor = tensors[binding];
      if (!tensor) throw new Error(`${name}.wgsl: no tensor for ${binding}`);
      const buffer = tensor.handle as DeviceBuffer;
      buffer.usedIn = batch;
      key += `,${buffer.id}`;
      return buffer;
    });
    let group = this.bindGroups.get(key);
    if (group) return group;
    const parameters = pipeline.parameters.length > 0 ? [{ buffer: this.ring, size: slotBytes }] : [];
    const resources = [...parameters, ...buffers.map(({ gpu }) => ({ buffer: gpu }))];
    group = this.failures.watch(`the tensors of ${name}`, () =>
      this.device.createBindGroup({
        layout: pipeline.layout,
        entries: resources.map((resource, binding) => ({ binding, resource })),
      }),
    );
    if (this.bindGroups.size >= cachedGroups) this.bindGroups.clear();
    this.bindGroups.set(key, group);
    for (const buffer of buffers) buffer.groups.add(key);
    return group;
  }
}
