/**
 * What a launch hands its shader: a bind group of tensors and parameters. The parameters of a group are written once, when it is
 * made; a launch with the same tensors and parameters takes the same group again.
 */

import type { Failures } from './failures';
import { usage } from './gpu';
import type { DeviceBuffer, Launch } from './launch';
import type { Pipeline } from './pipelines';

export interface Binding {
  readonly key: string;
  readonly group: GPUBindGroup;
  readonly buffers: readonly DeviceBuffer[];
  /** Where its parameters lie. */
  readonly slot: Slot | undefined;
}

interface Slot {
  readonly page: GPUBuffer;
  readonly offset: number;
}

/** What an offset into a uniform buffer is a multiple of, and the most that parameters take. */
const slotBytes = 256;
const slotsPerPage = 512;
/** Groups that are kept: at least so many of those used last, and at most twice as many. */
const kept = 4096;

export class Bindings {
  private readonly slot = new ArrayBuffer(slotBytes);
  private readonly views = {
    u32: new Uint32Array(this.slot),
    i32: new Int32Array(this.slot),
    f32: new Float32Array(this.slot),
  };
  private recent = new Map<string, Binding>();
  private earlier = new Map<string, Binding>();
  private readonly pages: GPUBuffer[] = [];
  private readonly free: Slot[] = [];
  /** Pipelines that a group has been made for. */
  private readonly proven = new WeakSet<Pipeline>();

  /** `submit` hands launches to the queue, so that parameters which they read may be overwritten. */
  constructor(
    private readonly device: GPUDevice,
    private readonly failures: Failures,
    private readonly submit: () => void,
  ) {}

  /** The group of a launch, from the last one like it or made anew. */
  of(name: string, pipeline: Pipeline, launch: Launch): Binding {
    const key = this.prepare(name, pipeline, launch);
    let binding = this.recent.get(key);
    if (binding) return binding;
    binding = this.earlier.get(key) ?? this.make(name, pipeline, launch, key);
    this.earlier.delete(key);
    if (this.recent.size >= kept) {
      for (const old of this.earlier.values()) this.release(old);
      [this.earlier, this.recent] = [this.recent, new Map<string, Binding>()];
    }
    this.recent.set(key, binding);
    for (const buffer of binding.buffers) buffer.groups.add(key);
    return binding;
  }

  /** A group of its own for one launch, until it is released. */
  own(name: string, pipeline: Pipeline, launch: Launch): Binding {
    this.prepare(name, pipeline, launch);
    return this.make(name, pipeline, launch, '');
  }

  /** Gives a group's place for parameters to the next one. */
  release({ key, buffers, slot }: Binding): void {
    this.submit();
    for (const buffer of buffers) buffer.groups.delete(key);
    if (slot) this.free.push(slot);
  }

  /** Drops the groups that hold a buffer. */
  forget(buffer: DeviceBuffer): void {
    for (const key of buffer.groups) {
      const binding = this.recent.get(key) ?? this.earlier.get(key);
      this.recent.delete(key);
      this.earlier.delete(key);
      if (binding) this.release(binding);
    }
  }

  close(): void {
    this.recent.clear();
    this.earlier.clear();
    for (const page of this.pages) page.destroy();
  }

  /** Lays the parameters out, and says by what the group is known: kinds, tensors and parameters. */
  private prepare(name: string, { kinds, tensors, parameters }: Pipeline, launch: Launch): string {
    let key = kinds;
    for (const { name: binding } of tensors) {
      const tensor = launch.tensors[binding];
      if (!tensor) throw new Error(`${name}.wgsl: no tensor for ${binding}`);
      key += `,${(tensor.handle as DeviceBuffer).id}`;
    }
    for (let i = 0; i < parameters.length; i++) {
      const { name: field, type } = parameters[i]!;
      const value = field === 'groups' ? launch.groups : launch.params?.[field];
      if (value === undefined) throw new Error(`${name}.wgsl: no value for params.${field}`);
      this.views[type][i] = value;
      key += `,${this.views.u32[i]!}`;
    }
    return key;
  }

  private make(name: string, pipeline: Pipeline, launch: Launch, key: string): Binding {
    const buffers = pipeline.tensors.map(({ name: binding }) => launch.tensors[binding]!.handle as DeviceBuffer);
    const slot = pipeline.parameters.length > 0 ? this.write(4 * pipeline.parameters.length) : undefined;
    const resources = [
      ...(slot ? [{ buffer: slot.page, offset: slot.offset, size: slotBytes }] : []),
      ...buffers.map(({ gpu }) => ({ buffer: gpu })),
    ];
    const create = () =>
      this.device.createBindGroup({
        layout: pipeline.layout,
        entries: resources.map((resource, binding) => ({ binding, resource })),
      });
    if (this.proven.has(pipeline)) return { key, group: create(), buffers, slot };
    const group = this.failures.watch(`the tensors of ${name}`, create);
    this.proven.add(pipeline);
    return { key, group, buffers, slot };
  }

  private write(bytes: number): Slot {
    const slot = this.free.pop() ?? this.addPage();
    this.device.queue.writeBuffer(slot.page, slot.offset, this.slot, 0, bytes);
    return slot;
  }

  private addPage(): Slot {
    const page = this.failures.watch('a buffer of parameters', () =>
      this.device.createBuffer({
        label: 'parameters',
        size: slotsPerPage * slotBytes,
        usage: usage.uniform | usage.copyTarget,
      }),
    );
    this.pages.push(page);
    for (let i = slotsPerPage - 1; i > 0; i--) this.free.push({ page, offset: i * slotBytes });
    return { page, offset: 0 };
  }
}
