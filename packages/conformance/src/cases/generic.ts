/** Cases of kernels that have none of their own here: made from their axes, and from what their entries say about samples. */

import { entryOf, type KernelName, type Shape } from '@sympow/kernels';
import type { CaseArgument, CaseArguments } from '../api';
import type { Inputs } from '../inputs';
import type { KernelCase } from '../kernelCase';

interface Sizes {
  readonly name: string;
  /** What `…` stands for. */
  readonly rows: Shape;
  readonly of: Readonly<Record<string, number>>;
}

const odd = { B: 2, T: 17, S: 17, H: 6, G: 2, d: 5, e: 3, n: 63, V: 65, C: 5, X: 7, Y: 9 };
const rounds: readonly Sizes[] = [
  { name: 'ones', rows: [1], of: {} },
  { name: 'two', rows: [2], of: { ...odd, T: 2, S: 2, n: 2, V: 2, d: 2 } },
  { name: 'odd', rows: [3, 5], of: odd },
  { name: 'long', rows: [17], of: { ...odd, B: 1, T: 65, S: 65, n: 500, V: 17 } },
  { name: 'no rows', rows: [0], of: odd },
];

const defaults: Readonly<Record<string, readonly unknown[]>> = {
  ...{ power: [2], chunk: [5], eps: [1e-5], normalizer: ['sum'], scale: [undefined, -2.5], count: [1] },
};

const bare = (name: string): string => name.replace('?', '');

/** What differs from the plain case of a round. */
interface Variation {
  readonly without?: string;
  readonly option?: readonly [string, unknown];
  readonly special?: readonly [string, number];
}

/** The cases of one kernel. */
export function genericCases(kernel: KernelName): KernelCase[] {
  const { reads, options = {}, samples = {} } = entryOf(kernel);
  const valuesOf = (name: string) => samples.options?.[name] ?? defaults[name] ?? [undefined];
  const optional = Object.keys(reads).filter((key) => key.endsWith('?'));
  const variations: readonly (readonly [string, Variation])[] = [
    ...optional.map((key) => [`without ${bare(key)}`, { without: bare(key) }] as const),
    ...Object.keys(options).flatMap((key) =>
      valuesOf(bare(key))
        .slice(1)
        .map((value) => [`${bare(key)} ${String(value)}`, { option: [bare(key), value] }] as const),
    ),
    ...Object.entries(samples.special ?? {}).flatMap(([name, values]) =>
      values.map((value) => [`${name} all ${value}`, { special: [name, value] }] as const),
    ),
  ];
  const make =
    (sizes: Sizes, { without, option, special }: Variation) =>
    (inputs: Inputs): CaseArguments => {
      const size = (axis: string) => (/^\d+$/.test(axis) ? Number(axis) : (sizes.of[axis] ?? 1));
      const tensor = (name: string, axes: string): CaseArgument => {
        const shape = axes
          .split(' ')
          .flatMap((axis) => (axis === '…' ? sizes.rows : [size(axis.replace(/[[\]]/g, ''))]));
        const below = samples.below?.[name];
        if (below) return inputs.integers(shape, 0, size(below));
        if (special?.[0] === name) return inputs.constant(shape, special[1]);
        return inputs.normal(shape);
      };
      const tensors = Object.entries(reads).map(([key, axes]) => [bare(key), tensor(bare(key), axes)] as const);
      const chosen = Object.keys(options).map((key) => [bare(key), valuesOf(bare(key))[0] as CaseArgument] as const);
      return Object.fromEntries([
        ...tensors.filter(([name]) => name !== without),
        ...chosen,
        ...(option ? [[option[0], option[1] as CaseArgument]] : []),
      ]) as CaseArguments;
    };
  const kase = (name: string, sizes: Sizes, variation: Variation): KernelCase => ({
    ...{ kernel, name, floor: samples.floor, make: make(sizes, variation) },
  });
  return [
    ...rounds.map((sizes) => kase(sizes.name, sizes, {})),
    ...variations.map(([name, variation]) => kase(`17 or so, ${name}`, rounds[2]!, variation)),
  ];
}
