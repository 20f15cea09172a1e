import { cases, checkCase } from '@sympow/conformance';
import type { Kernels } from '@sympow/kernels';
import { describe, expect, it } from 'vitest';
import { onlyValidation, openAs } from '../testGpu';

// Dawn's null backend validates shaders, bindings and dispatches in full and computes nothing. It has the features that no
// software adapter has, and the smallest limits that WebGPU allows, so what passes here runs on every device.
describe.each([{ f16: false }, { f16: true }])('every variant that the suite uses is valid with f16 %j', ({ f16 }) => {
  const opened = openAs({ gpu: onlyValidation, f16 });
  it.each([...new Set(cases.map(({ kernel }) => kernel))])('%s', async (kernel) => {
    const backend = await opened;
    for (const kase of cases.filter((each) => each.kernel === kernel)) await checkCase(backend, kase);
  });
});

describe('tiles for large products', () => {
  it.each([false, true])('are valid with f16 %s', async (f16) => {
    const backend = await openAs({ gpu: onlyValidation, f16 });
    const [a, b, y] = [0, 1, 2].map(() => backend.empty([1536, 1536])) as [never, never, never];
    const options: Partial<Parameters<Kernels['matmul']>[0]>[] = [{}, { transposeA: true }, { transposeB: true }];
    for (const option of options) backend.kernels.matmul({ a, b, y, ...option });
    await expect(backend.finish()).resolves.toBeUndefined();
    await backend.close();
  });
});
