import { checkCase, recurrenceCases } from '@sympow/conformance';
import type { Tensor } from '@sympow/kernels';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { missing, onlyValidation, openAs } from '../gpu.cases';

// The suite's shapes are small; these get the tiles that large ones do.
it('tiles for long sequences are valid', async () => {
  const backend = await openAs({ gpu: onlyValidation });
  const [T, chunk, H, d, e, D] = [2048, 128, 12, 64, 64, 2080];
  const n = T / chunk;
  const empty = (...shape: number[]): Tensor => backend.empty(shape);
  const key = () => empty(1, T, H, d);
  const value = () => empty(1, T, H, e);
  const number = () => empty(1, T, H);
  const [q, k, dq, dk] = [key(), key(), key(), key()];
  const [v, y, num, dy, dv, dnum] = [value(), value(), value(), value(), value(), value()];
  const [den, rowMax, total, dden] = [number(), number(), number(), number()];
  const [S, dS] = [empty(1, n, H, D, e), empty(1, n, H, D, e)];
  const [Z, dZ] = [empty(1, n, H, D), empty(1, n, H, D)];
  const options = { power: 2, chunk };
  const { kernels } = backend;
  kernels.updateState({ k, v, deltaS: S, deltaZ: Z, ...options });
  kernels.updateStateBackward({ k, v, dDeltaS: dS, dDeltaZ: dZ, dk, dv, ...options });
  kernels.queryState({ q, normalizer: 'sum', S, Z, num, den, rowMax, y, total, ...options });
  kernels.queryStateBackward({
    ...{ q, normalizer: 'sum', S, Z, rowMax, y, total, dy, dnum, dden, dq, dS, dZ },
    ...options,
  });
  await expect(backend.finish()).resolves.toBeUndefined();
  await backend.close();
});

// The conformance suite holds the tile of a software adapter to the definition; here are those of a large GPU.
describe.skipIf(missing)(`products with φ as on a large GPU${missing ? `: ${missing}` : ''}`, () => {
  const large = missing ? undefined : openAs({ facts: () => ({ software: false }) });
  afterAll(async () => (await large)?.close());

  const cases = [
    { name: 'the large tile', T: 270, G: 33, d: 16, e: 36, power: 2, chunk: 130, gates: 'usual' } as const,
    { name: 'the medium tile, odd sizes', T: 150, H: 2, d: 11, e: 37, power: 2, chunk: 90, gates: 'usual' } as const,
    { name: 'the medium tile, p = 4', T: 70, d: 5, e: 33, power: 4, chunk: 66, gates: 'usual' } as const,
    {
      name: 'the small tile, vector gates',
      T: 50,
      d: 9,
      e: 8,
      power: 3,
      normalizer: 'none',
      chunk: 20,
      gates: 'usual',
      vector: true,
    } as const,
  ]
    // The large tile and p = 4, unless there is time.
    .filter((_, i) => inject('thorough') || i % 2 === 0)
    .flatMap(recurrenceCases)
    .filter(({ kernel }) => /^(update|query)State/.test(kernel));

  it.each(cases)('$kernel, $name', { timeout: 300_000 }, async (kase) => {
    expect((await checkCase(await large!, kase)).complaints).toEqual([]);
  });
});
