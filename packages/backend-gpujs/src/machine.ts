/**
 * Compiles programs by gpu.js, keeps what it compiled, and runs them from storage to storage.
 *
 * A program is compiled once for each set of sizes, which stand in it as literals. Results stay where the mode leaves them:
 * in textures (webgl2) or in arrays (webasm, cpu).
 */

import { BackendError, type Tensor } from '@sympow/kernels';
import type { GPU, IGPUKernelSettings, IKernelRunShortcut, KernelFunction, KernelOutput, Texture } from 'gpu.js';
import type { Mode } from './api';
import type { Constants, Floats, Grid, Program, Thread } from './program';
import { Storage, type Numbers } from './storage';

/** A tensor, an intermediate result, or a number. */
export type Operand = Tensor | Storage | number;

/** Compiled kernels that are kept; the one unused longest goes first. Textures need the kernel that made them: there all are. */
const mostKernels = 1024;

/** More rounds than any loop here makes: gpu.js stops loops whose ends it cannot see. */
const loopMaxIterations = 2 ** 30;

function copy(this: Thread<unknown>, x: Floats): number {
  return x[this.thread.x]!;
}

export class Machine {
  private readonly gpu: GPU;
  private readonly kernels = new Map<string, IKernelRunShortcut>();
  private readonly names = new Map<Program<never, unknown>, number>();
  private readonly temporaries: Storage[] = [];
  /** Stands for a tensor that is not there. */
  readonly none = new Storage().begin('float32', 1);

  constructor(
    readonly mode: Mode,
    gpu: GPU,
  ) {
    this.gpu = gpu;
    this.none.put(new Float32Array(1));
  }

  /** Kernels compiled and kept. */
  get compiled(): number {
    return this.kernels.size;
  }

  /** Runs a program and puts the result into `target`, which may be one of the operands. */
  write<C extends object>(
    target: Tensor,
    program: Program<C>,
    grid: Grid,
    constants: C,
    ...operands: readonly Operand[]
  ): void {
    this.fill(target.handle as Storage, program, grid, constants, operands);
  }

  /** Runs a program whose result lives until the kernel of the catalogue that asked for it is done. */
  temporary<C extends object>(program: Program<C>, grid: Grid, constants: C, ...operands: readonly Operand[]): Storage {
    return this.intermediate(1, program, grid, constants, operands);
  }

  /** The same for a program that computes four numbers: cell c of the grid is elements 4c to 4c + 3. Not for webgl2. */
  quads<C extends object>(
    program: Program<C, number[]>,
    grid: Grid,
    constants: C,
    ...operands: readonly Operand[]
  ): Storage {
    return this.intermediate(4, program, grid, constants, operands);
  }

  /** Gives back what {@link temporary} made. */
  release(): void {
    for (const storage of this.temporaries) storage.clear();
    this.temporaries.length = 0;
  }

  /** Gives back what `body` made by {@link temporary}, but for what it returns. */
  block(body: () => readonly Storage[]): void {
    const before = this.temporaries.length;
    const kept = body();
    for (const storage of this.temporaries.splice(before)) {
      if (kept.includes(storage)) this.temporaries.push(storage);
      else storage.clear();
    }
  }

  /** A copy of what a storage holds. */
  read(storage: Storage): Float32Array {
    const { host, texture, size } = storage;
    if (host) return Float32Array.from(host);
    if (!texture) return new Float32Array(size);
    return flat(texture.toArray(), size).slice();
  }

  /** Waits until the device has done everything. */
  finish(): void {
    if (this.mode !== 'webgl2') return;
    (this.gpu as unknown as { context: WebGL2RenderingContext }).context.finish();
  }

  close(): Promise<void> {
    this.release();
    this.kernels.clear();
    return this.gpu.destroy();
  }

  private intermediate<C extends object>(
    each: number,
    program: Program<C, number | number[]>,
    grid: Grid,
    constants: C,
    operands: readonly Operand[],
  ): Storage {
    const size = grid.reduce<number>((product, axis) => product * (axis ?? 1), each);
    const storage = new Storage().begin('float32', size);
    this.temporaries.push(storage);
    this.fill(storage, program, grid, constants, operands);
    return storage;
  }

  private fill<C extends object>(
    target: Storage,
    program: Program<C, number | number[]>,
    grid: Grid,
    constants: C,
    operands: readonly Operand[],
  ): void {
    if (target.size === 0) return;
    const inputs = operands.map((operand) => this.input(operand));
    const kernel = this.compile(program, grid, constants, inputs);
    const result = kernel(...(inputs as never[]));
    holdToMode(kernel, this.mode);
    if (isTexture(result)) target.putTexture(result);
    else target.put(flat(result, target.size));
  }

  private input(operand: Operand): Numbers | Texture | number {
    if (typeof operand === 'number') return operand;
    const given = operand instanceof Storage ? operand : (operand.handle as Storage);
    const storage = given.size === 0 ? this.none : given;
    if (!storage.host && !storage.texture) storage.put(new Float32Array(storage.size));
    if (this.mode !== 'webgl2') return storage.host!;
    if (!storage.texture) {
      const numbers = Float32Array.from(storage.host!);
      const kernel = this.compile(copy, [numbers.length], {}, [numbers]);
      storage.putTexture(kernel(numbers) as unknown as Texture, true);
    }
    return storage.texture!;
  }

  private compile<C extends object>(
    program: Program<C, number | number[]>,
    grid: Grid,
    constants: C,
    inputs: readonly (Numbers | Texture | number)[],
  ): IKernelRunShortcut {
    const key = this.keyOf(program, grid, constants as Constants, inputs);
    const known = this.kernels.get(key);
    if (known) {
      this.kernels.delete(key);
      this.kernels.set(key, known);
      return known;
    }
    const settings = {
      output: outputOf(grid),
      constants,
      constantTypes: Object.fromEntries(
        Object.entries(constants as Constants).map(([name, value]) => [name, typeOf(value)]),
      ),
      pipeline: true,
      immutable: true,
      precision: 'single',
      loopMaxIterations,
      // Whole numbers are divided as the program says.
      fixIntegerDivisionAccuracy: false,
    };
    const kernel = this.gpu.createKernel(program as unknown as KernelFunction, settings as IGPUKernelSettings);
    this.kernels.set(key, kernel);
    for (const [oldest, old] of this.kernels) {
      if (this.mode === 'webgl2' || this.kernels.size <= mostKernels) break;
      this.kernels.delete(oldest);
      old.destroy();
    }
    return kernel;
  }

  private keyOf(
    program: Program<never, unknown>,
    grid: Grid,
    constants: Constants,
    inputs: readonly (Numbers | Texture | number)[],
  ): string {
    let name = this.names.get(program);
    if (name === undefined) this.names.set(program, (name = this.names.size));
    let key = `${name}|${grid.join()}`;
    for (const constant in constants) {
      const value = constants[constant]!;
      key += typeof value === 'number' ? `|${value}` : `|${value.length}`;
    }
    for (const input of inputs) {
      if (typeof input === 'number') continue;
      key += isTexture(input) ? `|${shapeOf(input)}` : `|${input.length}`;
    }
    return key;
  }
}

function isTexture(value: unknown): value is Texture {
  return typeof value === 'object' && value !== null && 'delete' in value && 'toArray' in value;
}

/** Of the grid that made it; missing in gpu.js's own types. */
function shapeOf(texture: Texture): string {
  return (texture as unknown as { output: number[] }).output.join();
}

function typeOf(value: number | Float32Array): 'Array' | 'Integer' | 'Float' {
  if (typeof value !== 'number') return 'Array';
  return Number.isInteger(value) ? 'Integer' : 'Float';
}

/** The axes that gpu.js needs to know of. */
function outputOf([x, y = 1, z = 1]: Grid): number[] {
  if (z > 1) return [x, y, z];
  return y > 1 ? [x, y] : [x];
}

/** Rows of rows as one array, without a copy where they already lie behind each other. */
function flat(result: KernelOutput, size: number): Float32Array {
  if (result instanceof Float32Array) return result;
  let first: unknown = result;
  while (Array.isArray(first)) first = first[0];
  if (first instanceof Float32Array && first.buffer.byteLength === 4 * size) return new Float32Array(first.buffer);
  const out = new Float32Array(size);
  let at = 0;
  const append = (part: unknown): void => {
    if (part instanceof Float32Array) {
      out.set(part, at);
      at += part.length;
    } else if (Array.isArray(part)) part.forEach(append);
  };
  append(result);
  return out;
}

/** @throws BackendError where gpu.js ran a kernel by other means than the ones that were asked for */
function holdToMode(kernel: IKernelRunShortcut, mode: Mode): void {
  const { constructor, fallbackReason } = kernel.kernel as unknown as {
    constructor: { mode: string };
    fallbackReason: string | null;
  };
  if (constructor.mode === (mode === 'webgl2' ? 'gpu' : mode)) return;
  throw new BackendError({
    what: `mode of the gpujs backend`,
    value: `${constructor.mode}: ${fallbackReason}`,
    expected: mode,
  });
}
