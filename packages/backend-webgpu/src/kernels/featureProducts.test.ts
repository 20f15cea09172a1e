import type { Tensor } from '@sympow/kernels';
import { expect, it } from 'vitest';
import { onlyValidation, openAs } from '../../testGpu';

// The suite's shapes are small; these get the tiles that large ones do.
it.each([false, true])('tiles for long sequences are valid, with f16 %s', async (f16) => {
  const backend = await openAs({ gpu: onlyValidation, f16 });
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
