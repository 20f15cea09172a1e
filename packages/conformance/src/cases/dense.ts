/** Matrix products, norms, token lookup and cross-entropy. */

import type { KernelCase } from '../kernelCase';

interface Product {
  readonly name: string;
  readonly batch?: readonly number[];
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly shared?: boolean;
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  readonly bias?: boolean;
  readonly accumulate?: boolean;
}

const products: readonly Product[] = [
  ...[1, 2, 17, 65].flatMap((m) =>
    [1, 3, 17, 65].map((n): Product => ({ name: `${m}×7·7×${n}`, m, k: 7, n, shared: true })),
  ),
  { name: '63×500·500×65', m: 63, k: 500, n: 65, shared: true },
  { name: '300×65·65×130', m: 300, k: 65, n: 130, shared: true },
  { name: 'nothing to sum', m: 5, k: 0, n: 5, shared: true },
  { name: 'no rows', m: 0, k: 5, n: 5, shared: true },
  ...[false, true].flatMap((transposeA) =>
    [false, true].flatMap((transposeB) =>
      [false, true].map((shared): Product => {
        const name = `batched${transposeA ? ', a transposed' : ''}${transposeB ? ', b transposed' : ''}${shared ? ', one b' : ''}`;
        return { name, batch: [2, 3], m: 5, k: 17, n: 9, shared, transposeA, transposeB };
      }),
    ),
  ),
  { name: 'with a bias', batch: [3], m: 17, k: 5, n: 63, shared: true, bias: true },
  { name: 'accumulating', m: 17, k: 5, n: 63, shared: true, accumulate: true },
  { name: 'accumulating with a bias', batch: [2], m: 17, k: 5, n: 3, bias: true, accumulate: true },
  { name: 'accumulating nothing', m: 3, k: 0, n: 3, shared: true, accumulate: true },
  { name: 'thin, a transposed', m: 2, k: 65, n: 63, shared: true, transposeA: true },
  { name: 'one column, both transposed', batch: [2], m: 63, k: 17, n: 1, transposeA: true, transposeB: true },
];

function productCase({
  name,
  batch = [],
  m,
  k,
  n,
  shared,
  transposeA,
  transposeB,
  bias,
  accumulate,
}: Product): KernelCase {
  return {
    kernel: 'matmul',
    name,
    shapes: { y: [...batch, m, n] },
    make: (inputs) => ({
      a: inputs.normal(transposeA ? [...batch, k, m] : [...batch, m, k]),
      b: inputs.normal([...(shared ? [] : batch), ...(transposeB ? [n, k] : [k, n])]),
      bias: bias ? inputs.normal([n]) : undefined,
      y: accumulate ? inputs.normal([...batch, m, n]) : undefined,
      transposeA,
      transposeB,
      accumulate,
    }),
  };
}

const rowShapes = [
  [1, 2],
  [2, 17],
  [3, 5, 63],
  [65, 65],
  [2, 500],
] as const;

function normCases(): KernelCase[] {
  const eps = 1e-5;
  return (['layerNorm', 'rmsNorm'] as const).flatMap((kernel): KernelCase[] => {
    const backward = `${kernel}Backward` as const;
    const bias = kernel === 'layerNorm';
    const both = (name: string, shape: readonly number[], scale: number, plain = false, shift = 0): KernelCase[] => [
      {
        kernel,
        name,
        taken: shift ? ['x'] : [],
        make: (inputs) => ({
          x: inputs.replace(inputs.normal(shape, scale), (_, x) => x + shift),
          weight: plain ? undefined : inputs.uniform([shape.at(-1)!], 0.5, 1.5),
          bias: bias && !plain ? inputs.normal([shape.at(-1)!]) : undefined,
          eps,
        }),
      },
      {
        kernel: backward,
        name,
        without: bias ? [] : ['dbias'],
        taken: shift ? ['x'] : [],
        make: (inputs) => ({
          x: inputs.replace(inputs.normal(shape, scale), (_, x) => x + shift),
          weight: plain ? undefined : inputs.uniform([shape.at(-1)!], 0.5, 1.5),
          dy: inputs.normal(shape),
          eps,
        }),
      },
    ];
    const plain = (name: string, value: number): KernelCase[] => [
      // Whatever is left of x minus its mean is divided by √eps.
      { kernel, name, make: (inputs) => ({ x: inputs.constant([2, 17], value), eps }), floor: { y: 1000 } },
      {
        kernel: backward,
        name,
        without: ['dweight', 'dbias'],
        make: (inputs) => ({ x: inputs.constant([2, 17], value), dy: inputs.normal([2, 17]), eps }),
        floor: { dx: 1 },
      },
    ];
    return [
      ...rowShapes.flatMap((shape) => both(`[${shape.join(', ')}]`, shape, 1)),
      ...both('without weights', [5, 17], 1, true),
      ...both('large', [5, 17], 1e6),
      ...both('squares beyond the range', [5, 17], 1e25),
      ...both('small', [5, 17], 1e-6),
      ...[1e4, -1e5].flatMap((mean) =>
        [0.01, 1].flatMap((deviation) => [
          ...both(`${mean} ± ${deviation}`, [5, 17], deviation, false, mean),
          ...both(`500 of ${mean} ± ${deviation}`, [2, 500], deviation, false, mean),
        ]),
      ),
      ...plain('all zero', 0),
      ...plain('all equal', 3),
    ];
  });
}

const lookups: readonly { name: string; ids: readonly number[]; shape: readonly number[]; V: number; n: number }[] = [
  { name: 'one', ids: [2], shape: [1], V: 3, n: 5 },
  { name: 'repeated ids', ids: [1, 1, 6, 0, 1, 6], shape: [2, 3], V: 7, n: 17 },
  { name: 'the last row', ids: [64, 64], shape: [2], V: 65, n: 1 },
  { name: 'ids out of range', ids: [0, -1, 7, 2_000_000_000], shape: [4], V: 7, n: 3 },
  { name: 'no ids', ids: [], shape: [0], V: 7, n: 3 },
];

interface Losses {
  readonly name: string;
  readonly shape: readonly number[];
  readonly V: number;
  readonly scale?: number;
  readonly shift?: number;
  readonly ignored?: boolean;
  /** Targets up to this, beyond V. */
  readonly targets?: number;
  readonly floor?: number;
}

const losses: readonly Losses[] = [
  { name: 'one of two', shape: [1], V: 2 },
  { name: 'one of one', shape: [3], V: 1, floor: 1 },
  { name: '[2, 17] of 65', shape: [2, 17], V: 65 },
  { name: '5 of 500', shape: [5], V: 500 },
  { name: 'some targets left out', shape: [17], V: 9, ignored: true },
  { name: 'targets out of range', shape: [17], V: 9, ignored: true, targets: 2_000_000_000 },
  // A loss far below the logits has only the digits that their difference leaves.
  { name: 'far apart', shape: [17], V: 9, scale: 1000, floor: 1000 },
  { name: 'far from 0', shape: [17], V: 9, shift: 1e4, floor: 1e4 },
  { name: 'all equal', shape: [17], V: 63, scale: 0 },
];

function lossCases({
  name,
  shape,
  V,
  scale = 1,
  shift = 0,
  ignored = false,
  targets = V,
  floor = 0,
}: Losses): KernelCase[] {
  const make: KernelCase['make'] = (inputs) => ({
    logits: inputs.replace(inputs.normal([...shape, V], scale), (_, x) => x + shift),
    targets: inputs.integers(shape, ignored ? -2 : 0, targets),
  });
  return [
    { kernel: 'crossEntropy', name, make, floor: { loss: floor } },
    {
      kernel: 'crossEntropyBackward',
      name,
      make: (inputs) => ({ ...make(inputs), dloss: inputs.uniform(shape, 0.5, 1.5) }),
      floor: { dlogits: floor },
    },
  ];
}

export const dense: readonly KernelCase[] = [
  ...products.map(productCase),
  ...normCases(),
  ...lookups.flatMap(({ name, ids, shape, V, n }): KernelCase[] => [
    {
      kernel: 'embed',
      name,
      shapes: { y: [...shape, n] },
      make: (inputs) => ({ ids: inputs.list(shape, ids), weight: inputs.normal([V, n]) }),
    },
    {
      kernel: 'embedBackward',
      name,
      shapes: { dweight: [V, n] },
      make: (inputs) => ({ ids: inputs.list(shape, ids), dy: inputs.normal([...shape, n]) }),
    },
  ]),
  {
    kernel: 'embedBackward',
    name: '500 times the same id',
    shapes: { dweight: [3, 2] },
    make: (inputs) => ({ ids: inputs.list([500], new Array<number>(500).fill(1)), dy: inputs.normal([500, 2]) }),
  },
  ...losses.flatMap(lossCases),
];
