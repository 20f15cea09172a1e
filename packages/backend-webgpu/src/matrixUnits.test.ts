import { js, type Backend } from '@sympow/kernels';
import { checkCase, recurrenceCases } from '@sympow/conformance';
import { afterAll, describe, expect, inject, it } from 'vitest';
import type { Products } from './api';
import { missing, openAs } from './gpu.cases';

// The shaders for matrix units, computed without them: see emulated.cases.ts. Compiling takes most of the time.
const allowed = { float16: 1e-3, split: 2e-5 } as const;

function numbers(rows: number, columns: number, seed: number, factorAt = (_column: number): number => 1): Float32Array {
  const number = (i: number) => (((i * 37 + seed * 11) % 101) / 50 - 1) * factorAt(i % columns);
  return Float32Array.from({ length: rows * columns }, (_, i) => number(i));
}

/** a·bᵀ + bias + y of a size that leaves tiles and the last slice partly empty. */
async function product(backend: Backend, factorAt?: (column: number) => number): Promise<Float32Array> {
  const [m, n, k] = [72, 136, 100];
  const a = backend.upload(numbers(m, k, 1, factorAt), [m, k]);
  const b = backend.upload(numbers(n, k, 2), [n, k]);
  const y = backend.upload(numbers(m, n, 3), [m, n]);
  const bias = backend.upload(numbers(1, n, 4), [n]);
  backend.kernels.matmul({ a, b, y, bias, transposeB: true, accumulate: true });
  const result = (await y.read()) as Float32Array;
  for (const tensor of [a, b, y, bias]) tensor.dispose();
  return result;
}

describe.skipIf(missing)(`matrix units, emulated${missing ? `: ${missing}` : ''}`, () => {
  const opened = new Map<Products, Promise<Backend>>();
  const open = (products: Products): Promise<Backend> => {
    const facts = () => ({ software: false, matrixUnits: true });
    const backend = opened.get(products) ?? openAs({ products, emulated: true, facts });
    opened.set(products, backend);
    return backend;
  };
  afterAll(async () => {
    for (const backend of opened.values()) await (await backend).close();
  });

  it.each(inject('thorough') ? (['float16', 'split'] as const) : (['float16'] as const))(
    '%s: a product, also one that outgrows its first scale',
    async (products) => {
      const definition = await js({ float: 'float64' }).open();
      for (const factorAt of [undefined, (column: number) => (column < 50 ? 1 : 4096)]) {
        const [actual, expected] = [await product(await open(products), factorAt), await product(definition, factorAt)];
        const norm = Math.hypot(...expected);
        expect(Math.hypot(...expected.map((x, i) => x - actual[i]!)) / norm).toBeLessThan(allowed[products]);
      }
    },
  );

  // Attention is in kernels/hardInputs.test.ts; with `split` it takes more memory of a workgroup than a software adapter has.
  it.runIf(inject('thorough'))('float16: products with φ', async () => {
    const situation = {
      name: 'd = 36',
      T: 140,
      G: 1,
      H: 2,
      d: 36,
      e: 36,
      power: 2,
      chunk: 130,
      gates: 'usual',
    } as const;
    const backend = await open('float16');
    for (const kase of recurrenceCases(situation).filter(({ kernel }) => /^(update|query)State/.test(kernel)))
      for (const { output, relative } of (await checkCase(backend, kase)).deviations)
        expect(relative, `${kase.kernel}, ${output}`).toBeLessThan(allowed.float16);
  });
});
