import { cases, checkCase } from '@sympow/conformance';
import { js, type Backend } from '@sympow/kernels';
import { afterAll, describe, expect, it } from 'vitest';
import { gpu, missing } from '../../testGpu';
import { webgpu } from '../backend';

describe.skipIf(missing)(`products of half-precision operands${missing ? `: ${missing}` : ''}`, () => {
  const opened = missing ? undefined : webgpu({ gpu, f16: true }).open();
  const definition = js({ float: 'float64' }).open();
  afterAll(async () => (await opened)?.close());

  it.each(cases.filter(({ kernel }) => kernel === 'matmul').map((kase) => ({ name: kase.name, kase })))(
    '$name',
    async ({ kase }) => {
      expect((await checkCase(await opened!, kase)).complaints).toEqual([]);
    },
  );

  /** ‖y − exact‖ / ‖exact‖ of a product of numbers about as large as `sizeA` and `sizeB`. */
  async function errorOf(backend: Backend, sizeA: number, sizeB: number): Promise<number> {
    const [m, k, n] = [33, 70, 41];
    const numbers = (count: number, size: number) =>
      Float32Array.from({ length: count }, (_, i) => size * (((i * 7919) % 1009) / 504 - 1));
    const results = await Promise.all(
      [backend, await definition].map((on) => {
        const y = on.empty([m, n]);
        on.kernels.matmul({
          a: on.upload(numbers(m * k, sizeA), [m, k]),
          b: on.upload(numbers(k * n, sizeB), [k, n]),
          y,
        });
        return y.read();
      }),
    );
    const [ours, exact] = results as [Float32Array, Float64Array];
    const norm = (values: Iterable<number>) => Math.hypot(...values);
    return norm(exact.map((x, i) => x - ours[i]!)) / norm(exact);
  }

  it.each([
    ['as in a model', 1, 1],
    ['beyond half precision', 1e9, 1e-3],
    ['as small as gradients', 1, 1e-12],
    ['at both ends', 1e-30, 1e30],
    ['whose scales leave float32 together', 1e30, 1e6],
  ])('loses no more than rounding the operands costs, for numbers %s', async (_, sizeA, sizeB) => {
    const error = await errorOf(await opened!, sizeA, sizeB);
    expect(error).toBeLessThan(2 ** -10);
    // Rounded they are.
    expect(error).toBeGreaterThan(2 ** -14);
  });

  it('keeps what is not finite where it is', async () => {
    const backend = await opened!;
    const y = backend.empty([5, 2]);
    const a = new Float32Array(20).fill(1);
    a[3] = Infinity;
    a[7] = NaN;
    backend.kernels.matmul({ a: backend.upload(a, [5, 4]), b: backend.upload(new Float32Array(8).fill(2), [4, 2]), y });
    expect([...(await y.read())]).toEqual([Infinity, Infinity, NaN, NaN, 8, 8, 8, 8, 8, 8]);
  });
});
