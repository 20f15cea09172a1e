/** Where the numbers of a case come from: reproducible noise by the name of the case, and results of other kernels. */

import { Random, type Backend, type Kernels, type Shape } from '@sympow/kernels';
import type { Call, CaseArguments, Numbers } from './api';
import { launch } from './launch';

export const sizeOf = (shape: Shape): number => shape.reduce((size, axis) => size * axis, 1);

/** Makes the inputs of one case, rounded to the float type of the backend under test. */
export class Inputs {
  private readonly random: Random;

  /** `definition` is an open `js({ float: 'float64' })` backend. */
  constructor(
    name: string,
    readonly float: 'float32' | 'float64',
    private readonly definition: Backend,
  ) {
    this.random = new Random(0, name);
  }

  round(x: number): number {
    return this.float === 'float32' ? Math.fround(x) : x;
  }

  of(shape: Shape, value: (index: number) => number): Numbers {
    return { shape, data: Float64Array.from({ length: sizeOf(shape) }, (_, i) => this.round(value(i))) };
  }

  constant(shape: Shape, value: number): Numbers {
    return this.of(shape, () => value);
  }

  uniform(shape: Shape, low: number, high: number): Numbers {
    return this.of(shape, () => low + (high - low) * this.random.uniform());
  }

  normal(shape: Shape, scale = 1): Numbers {
    return this.of(shape, () => scale * this.random.normal());
  }

  /** Whole numbers from `low` up to, not including, `high`. */
  integers(shape: Shape, low: number, high: number): Numbers {
    return { shape, data: Int32Array.from({ length: sizeOf(shape) }, () => low + this.random.integer(high - low)) };
  }

  list(shape: Shape, values: readonly number[]): Numbers {
    return { shape, data: Int32Array.from(values) };
  }

  /** `source` with some of its numbers replaced. */
  replace(source: Numbers, value: (index: number, old: number) => number): Numbers {
    return this.of(source.shape, (i) => value(i, source.data[i]!));
  }

  /** What a kernel makes of `args` by the definition, rounded. */
  define(kernel: keyof Kernels, args: CaseArguments, more: Omit<Call, 'kernel'> = {}): Record<string, Numbers> {
    const run = launch(this.definition, { ...more, kernel }, args);
    const results: Record<string, Numbers> = {};
    for (const [name, tensor] of run.outputs) {
      const data = this.definition.readSync!(tensor) as Numbers['data'];
      const { shape } = tensor;
      if (data instanceof Int32Array) results[name] = { shape, data };
      else results[name] = kernel === 'gateSum' ? this.split({ shape, data }) : this.of(shape, (i) => data[i]!);
    }
    run.dispose();
    return results;
  }

  /** Sums of gates as a head and a tail of the backend's float type. */
  private split({ shape, data }: Numbers): Numbers {
    const size = data.length / 2;
    const value = (i: number) => data[i]! + data[i + size]!;
    return this.of(shape, (i) => (i < size ? value(i) : value(i - size) - this.round(value(i - size))));
  }
}
