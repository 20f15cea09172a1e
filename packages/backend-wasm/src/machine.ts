/** One instance of the module with its memory: how kernels call it, and what they need beside tensors. */

import { OutOfMemoryError, type Tensor } from '@sympow/kernels';
import { embeddingRuns, multiIndices } from '@sympow/embedding';
import { Crew, mostParts, type Exports } from './crew';
import { Heap } from './heap';

/** The run table of φ, see assembly/embedding.ts. */
export interface Runs {
  readonly at: number;
  /** Monomials of degrees 0 … p−1. */
  readonly monomials: number;
}

const pageBytes = 65536;

/**
 * Tasks that are worth a hand-off to another thread, where it is not one: elements, rows or tokens of cheap kernels. Kernels
 * of decoding stay with the caller.
 */
const grains: Readonly<Record<string, number>> = {
  ...Object.fromEntries(
    ['fill', 'add', 'multiply', 'fromFloat16', 'fromBfloat16', 'toFloat16', 'toBfloat16'].map((name) => [name, 32768]),
  ),
  ...Object.fromEntries(
    ['gelu', 'logSigmoid', 'onePlusTanh', 'swiglu'].flatMap(
      (name) =>
        [
          [name, 8192],
          [`${name}Backward`, 8192],
        ] as const,
    ),
  ),
  adamw: 16384,
  norm: 64,
  normBackward: 2,
  crossEntropy: 32,
  crossEntropyBackward: 32,
  rotary: 32,
  rotaryBackward: 32,
  scaleHeads: 4096,
  stepState: Infinity,
  queryWindow: Infinity,
};
/** For what is rounded up to 16 bytes, and short rows that products copy. */
const spare = 16384;

export class Machine {
  readonly heap: Heap;
  private readonly exports: Exports;
  private readonly productSpace: number;
  private workspace = 0;
  private workspaceBytes = 0;
  private readonly tables = new Map<string, number>();
  /** The run table that was asked for last, as calls repeat. */
  private known: (Runs & { readonly d: number; readonly power: number }) | undefined;
  /** Makes room on the heap; set by the owner of the pool. */
  trim: () => void = () => undefined;

  private crew: Crew | undefined;

  private constructor(
    module: WebAssembly.Module,
    readonly memory: WebAssembly.Memory,
  ) {
    this.exports = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Exports;
    this.heap = new Heap(memory, this.exports.heapBase!());
    this.productSpace = this.exports.productSpace!();
  }

  /** @throws BackendError when a thread does not start */
  static async open(module: WebAssembly.Module, memory: WebAssembly.Memory, threads: number): Promise<Machine> {
    const machine = new Machine(module, memory);
    if (threads > 1) machine.crew = await Crew.open(module, memory, machine.exports, threads - 1);
    return machine;
  }

  /** Threads that compute. */
  get threads(): number {
    return this.crew?.size ?? 1;
  }

  /** @throws DeviceLostError when a thread is gone */
  check(): void {
    if (this.crew?.failure) throw this.crew.failure;
  }

  async close(): Promise<void> {
    await this.crew?.close();
  }

  /** Calls an export that needs no work space. */
  call(name: string, ...args: (number | boolean)[]): number {
    return this.exports[name]!(...args);
  }

  /** Does all `tasks` of an export, with room for `space` numbers beside what products take. */
  run(name: string, tasks: number, space: number, ...args: (number | boolean)[]): void {
    if (tasks === 0) return;
    this.check();
    this.ensure(space);
    const grain = Math.max(grains[name] ?? 1, Math.ceil(tasks / mostParts));
    if (this.crew && tasks > grain) this.crew.run(name, tasks, grain, this.workspace, this.workspaceBytes, args);
    else this.exports[name]!(0, tasks, ...args);
  }

  /** Calls an export that takes up to `space` numbers of work space. */
  whole(name: string, space: number, ...args: (number | boolean)[]): void {
    this.ensure(space);
    this.exports[name]!(...args);
  }

  /** Work space of at least `space` numbers beside that of products; returns where it begins. */
  ensure(space: number): number {
    const bytes = (this.productSpace + space) * 4 + spare;
    if (bytes <= this.workspaceBytes) return this.workspace;
    if (this.workspaceBytes > 0) this.heap.release(this.workspace);
    this.workspaceBytes = 0;
    // A half more than asked for, so that slowly growing sizes do not ask each time.
    const all = bytes * this.threads;
    this.workspace = this.allocate(Math.ceil(all * 1.5), all);
    this.workspaceBytes = Math.floor(this.heap.sizeOf(this.workspace) / this.threads / 64) * 64;
    this.exports.workspace!(this.workspace, this.workspaceBytes);
    return this.workspace;
  }

  /** The run table of φ for head size d and power p; made once. */
  runs(d: number, power: number): Runs {
    if (this.known?.d === d && this.known.power === power) return this.known;
    const { last, first, rest } = embeddingRuns(d, power);
    const monomials = last.reduce((sum, { length }) => sum + length, 0);
    const key = `runs ${d} ${power}`;
    let at = this.tables.get(key);
    if (at === undefined) {
      const counts = Int32Array.from(last, ({ length }) => length);
      at = this.table(key, [counts, ...last, Float32Array.from(first), Float32Array.from(rest), first, rest]);
    }
    this.known = { d, power, at, monomials };
    return this.known;
  }

  /** The multi-indices of φ [D, p]; made once. */
  indices(d: number, power: number): number {
    const key = `indices ${d} ${power}`;
    return this.tables.get(key) ?? this.table(key, [multiIndices(d, power)]);
  }

  floats(at: number, size: number): Float32Array {
    return new Float32Array(this.memory.buffer, at, size);
  }

  integers(at: number, size: number): Int32Array {
    return new Int32Array(this.memory.buffer, at, size);
  }

  private table(key: string, parts: readonly (Int32Array | Float32Array | Float64Array)[]): number {
    const bytes = parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
    const at = this.allocate(bytes, bytes);
    let to = at;
    for (const part of parts) {
      new Uint8Array(this.memory.buffer, to, part.byteLength).set(
        new Uint8Array(part.buffer, part.byteOffset, part.byteLength),
      );
      to += part.byteLength;
    }
    this.tables.set(key, at);
    return at;
  }

  /** A block of `wanted` bytes, or of `needed` after the pool has been emptied. */
  private allocate(wanted: number, needed: number): number {
    try {
      return this.heap.allocate(wanted);
    } catch {
      this.trim();
    }
    try {
      return this.heap.allocate(needed);
    } catch (cause) {
      throw new OutOfMemoryError({
        what: 'work space of the wasm backend',
        value: `${needed} bytes`,
        expected: `what ${this.memory.buffer.byteLength / pageBytes} pages and those that the engine adds can hold`,
        remedy: 'Use a smaller batch, context, chunk or power.',
        cause,
      });
    }
  }
}

/** The export for tensors of an element type, which is named after it but for float32. */
export function of(name: string, { dtype }: Tensor): string {
  return dtype === 'float32' ? name : name + dtype[0]!.toUpperCase() + dtype.slice(1);
}

/** Where a tensor lies; 0 for none. */
export function at(tensor: Tensor | undefined): number {
  return tensor ? (tensor.handle as number) : 0;
}
