/**
 * Halves for kernels that know none: a call gets temporaries of the backend's own float in their place, and what it wrote is
 * rounded when it is done. This is what halves mean everywhere; a kernel that reads them itself only saves the way.
 */

import type { Backend } from './api';
import { allBodies, entryOf, kernelNames, type KernelArgs, type KernelName } from './catalogue';
import type { Arguments } from './catalogue/entry';
import { isHalf } from './dtypes';
import type { Tensor } from './tensor';

/** Arguments that a backend's kernels take as float16 and bfloat16 too, by kernel; for one call where that depends on it. */
export type HalfArguments = {
  readonly [K in KernelName]?: readonly string[] | ((args: KernelArgs<K>) => readonly string[]);
};

/** What moves halves as they are: `checked` widens all others by way of these. */
export const movingHalves: HalfArguments = { fill: ['y'], cast: ['x', 'y'], copyBlock: ['x', 'y'] };

/** For a backend whose kernels read halves wherever they may: all inputs, and the arguments of `more`. */
export function readingHalves(more: HalfArguments): HalfArguments {
  const composed = allBodies();
  return Object.fromEntries(
    kernelNames.map((kernel) => {
      const given = more[kernel] ?? [];
      if (typeof given === 'function') return [kernel, given as never];
      // A body may take rows apart, which stay of one type.
      if (composed[kernel]) return [kernel, given];
      const { reads, lists = [] } = entryOf(kernel);
      return [kernel, [...Object.keys(reads).map((name) => name.replace('?', '')), ...lists, ...given]];
    }),
  );
}

interface Argument {
  readonly name: string;
  readonly writes: boolean;
}

export class Widening {
  constructor(
    private readonly backend: Backend,
    private readonly tensors: readonly Argument[],
    private readonly lists: readonly string[],
    private readonly taken: readonly string[] | ((args: never) => readonly string[]) = [],
    /** Outputs that are written in part, with the inputs that are moved there. */
    private readonly moves: Readonly<Record<string, string | undefined>> = {},
  ) {}

  /** Calls `kernel` with arguments that it takes. The temporaries come from the pool and go back to it. */
  run(args: Arguments, kernel: (args: Arguments) => void): void {
    const { backend } = this;
    const { cast } = backend.kernels;
    // By memory, as an output may be an input.
    const temporaries = new Map<unknown, Tensor>();
    const made: Tensor[] = [];
    const widened = (tensor: Tensor, read: boolean): Tensor => {
      const known = temporaries.get(tensor.handle);
      const wide = known ? backend.view(known, tensor.shape) : backend.empty(tensor.shape, backend.capabilities.float);
      made.push(wide);
      if (known) return wide;
      temporaries.set(tensor.handle, wide);
      if (read) cast({ x: tensor, y: wide });
      return wide;
    };
    try {
      const replaced: Arguments = { ...args };
      const written: { readonly wide: Tensor; readonly tensor: Tensor }[] = [];
      const taken = typeof this.taken === 'function' ? this.taken(args as never) : this.taken;
      for (const list of this.lists) {
        if (taken.includes(list)) continue;
        replaced[list] = (args[list] as readonly Tensor[]).map((x) => (isHalf(x.dtype) ? widened(x, true) : x));
      }
      // What is moved into halves that the kernel takes gets their type.
      const moved = new Set<string>();
      for (const [place, name] of Object.entries(this.moves)) {
        const y = args[place] as Tensor | undefined;
        if (name === undefined || !y || !isHalf(y.dtype) || !taken.includes(place)) continue;
        moved.add(name);
        const x = args[name] as Tensor;
        if (x.dtype === y.dtype) continue;
        const rounded = backend.empty(x.shape, y.dtype);
        made.push(rounded);
        cast({ x, y: rounded });
        replaced[name] = rounded;
      }
      for (const { name, writes } of this.tensors) {
        const tensor = args[name] as Tensor | undefined;
        if (!tensor || !isHalf(tensor.dtype) || taken.includes(name) || moved.has(name)) continue;
        const wide = widened(tensor, !writes || args.accumulate === true || name in this.moves);
        if (writes) written.push({ wide, tensor });
        replaced[name] = wide;
      }
      kernel(replaced);
      for (const { wide, tensor } of written) cast({ x: wide, y: tensor });
    } finally {
      for (const tensor of made) tensor.dispose();
    }
  }
}
