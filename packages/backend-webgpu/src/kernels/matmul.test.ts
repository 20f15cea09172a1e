import { js, type Kernels, type Tensor } from '@sympow/kernels';
import { afterAll, describe, expect, it } from 'vitest';
import { missing, openAs } from '../gpu.cases';

interface Product {
  name: string;
  m: number;
  k: number;
  n: number;
  options?: Partial<Parameters<Kernels['matmul']>[0]>;
  bias?: boolean;
}

const products: Product[] = [
  ...[1, 2, 3, 4].map((m) => ({ name: `${m} rows`, m, k: 132, n: 41, options: { transposeB: true } })),
  {
    name: 'one row with a bias, accumulating',
    m: 1,
    k: 64,
    n: 9,
    options: { transposeB: true, accumulate: true },
    bias: true,
  },
  { name: 'split along k', m: 68, k: 4000, n: 72, options: { transposeA: true, accumulate: true }, bias: true },
  { name: 'split along k, ragged', m: 40, k: 1100, n: 36, options: { transposeB: true } },
  { name: 'split along k, rows that are no whole vectors', m: 6, k: 2101, n: 36, options: { transposeA: true } },
  { name: 'the large tile', m: 1200, k: 20, n: 1200, options: { transposeA: true } },
  { name: 'the large tile, odd sizes', m: 1201, k: 19, n: 1163, options: { transposeB: true }, bias: true },
  { name: 'the medium tile', m: 620, k: 20, n: 636 },
];

describe.skipIf(missing)(`products as on a large GPU${missing ? `: ${missing}` : ''}`, () => {
  const large = missing ? undefined : openAs({ facts: () => ({ software: false }) });
  const definition = js().open();
  afterAll(async () => (await large)?.close());

  it.each(products)('$name', async ({ m, k, n, options = {}, bias }) => {
    const results = await Promise.all(
      [await large!, await definition].map(async (backend) => {
        const numbers = (...shape: number[]): Tensor => {
          const size = shape.reduce((a, b) => a * b);
          return backend.upload(
            Float32Array.from({ length: size }, (_, i) => ((i * 37) % 101) / 50 - 1),
            shape,
          );
        };
        const y = numbers(m, n);
        backend.kernels.matmul({
          a: options.transposeA ? numbers(k, m) : numbers(m, k),
          b: options.transposeB ? numbers(n, k) : numbers(k, n),
          bias: bias ? numbers(n) : undefined,
          y,
          ...options,
        });
        return y.read();
      }),
    );
    const [actual, expected] = results as [Float32Array, Float32Array];
    const scale = expected.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    const worst = expected.reduce((most, x, i) => Math.max(most, Math.abs(x - actual[i]!)), 0);
    expect(worst / scale).toBeLessThan(1e-5);
  });
});
