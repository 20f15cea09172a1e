import { checkCase, type CaseArguments, type Inputs, type KernelCase } from '@sympow/conformance';
import type { Kernels } from '@sympow/kernels';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { missing, onlyValidation, openAs } from '../gpu.cases';

interface Sizes {
  readonly T: number;
  readonly S?: number;
  readonly G: number;
  readonly d: number;
  readonly e: number;
  readonly gates?: 'scalar' | 'vector';
}

/** Two heads over G, with a gate of 0 at every 50th token. */
function operands(inputs: Inputs, { T, S = T, G, d, e, gates }: Sizes): CaseArguments {
  const shape = gates === 'vector' ? [1, S, G, d] : [1, S, G];
  const perToken = shape.slice(2).reduce((a, b) => a * b);
  const logGate = inputs.replace(inputs.uniform(shape, -0.3, 0), (i, x) =>
    gates === 'scalar' && Math.floor(i / perToken) % 50 === 49 ? -Infinity : x,
  );
  return {
    q: inputs.normal([1, T, 2, d]),
    k: inputs.normal([1, S, G, d]),
    v: inputs.normal([1, S, G, e]),
    gates: gates && (inputs.define('gateSum', { logGate, chunk: S }) as never),
  };
}

function casesOf(kernel: keyof Kernels, name: string, sizes: Sizes, options: CaseArguments = {}): KernelCase[] {
  const make = (inputs: Inputs) => ({ ...operands(inputs, sizes), ...options });
  const backward = (inputs: Inputs): CaseArguments => {
    const args = make(inputs);
    const { y, logSum, num, den, rowMax } = inputs.define(kernel, args);
    if (y) return { ...args, y, logSum, dy: inputs.normal(y.shape) };
    return { ...args, rowMax, dnum: inputs.normal(num!.shape), dden: inputs.normal(den!.shape) };
  };
  return [
    { kernel, name, make },
    { kernel: `${kernel}Backward` as keyof Kernels, name, floor: { dA: 1 }, make: backward },
  ];
}

const cases = [
  ...casesOf('softmaxAttention', 'shared keys and gates', { T: 130, G: 1, d: 64, e: 64, gates: 'scalar' }),
  ...casesOf(
    'softmaxAttention',
    'odd sizes, keys before',
    { T: 70, S: 150, G: 2, d: 9, e: 66 },
    { offset: { shape: [1], data: Int32Array.of(77) } },
  ),
  ...casesOf('powerAttention', 'wide rows', { T: 150, G: 1, d: 132, e: 8, gates: 'scalar' }, { power: 3, chunk: 130 }),
  ...casesOf(
    'powerAttention',
    'gates by dimension',
    { T: 80, G: 1, d: 6, e: 5, gates: 'vector' },
    { power: 2, chunk: 80 },
  ),
  // As few rows as have the small blocks.
  ...casesOf('softmaxAttention', 'few rows', { T: 27, G: 2, d: 9, e: 40, gates: 'vector' }),
];

// The conformance suite holds the tile of a software adapter to the definition; here are the blocks of a GPU.
describe.skipIf(missing)(`blocks of attention as on a large GPU${missing ? `: ${missing}` : ''}`, () => {
  const large = missing ? undefined : openAs({ facts: () => ({ software: false }) });
  afterAll(async () => (await large)?.close());

  // Half a minute each on a software GPU: a forward pass and its backward of each kernel, unless there is time.
  const some = cases.filter((_, i) => inject('thorough') || i % 4 < 2);
  it.each(some)('$kernel, $name', { timeout: 300_000 }, async (kase) => {
    expect((await checkCase(await large!, kase)).complaints).toEqual([]);
  });
});

describe('blocks of attention on a device with the least memory for a workgroup', () => {
  const least = openAs({ gpu: onlyValidation });
  afterAll(async () => (await least).close());

  it.each(cases)('$kernel, $name: is valid', async (kase) => {
    await checkCase(await least, kase);
    await expect((await least).finish()).resolves.toBeUndefined();
  });
});
