import { cases, checkCase } from '@sympow/conformance';
import type { Kernels } from '@sympow/kernels';
import { describe, expect, it } from 'vitest';
import { onlyValidation, openAs } from './gpu.cases';

// Dawn's null backend validates shaders, bindings and dispatches in full and computes nothing. It has the features that no
// software adapter has, and the smallest limits that WebGPU allows, so what passes here runs on every device.
const halves = [undefined, 'float16', 'mixed'] as const;
describe.each(halves)('every variant that the suite uses is valid with halves: %s', (types) => {
  const opened = openAs({ gpu: onlyValidation });
  it.each([...new Set(cases.map(({ kernel }) => kernel))])('%s', async (kernel) => {
    const backend = await opened;
    // Rows are copied within one type.
    if (types === 'mixed' && kernel === 'copyBlock') return;
    for (const kase of cases.filter((each) => each.kernel === kernel)) await checkCase(backend, kase, types);
  });
});

describe('tiles for large products', () => {
  it.each(['float32', 'float16', 'bfloat16'] as const)('are valid with %s', async (dtype) => {
    const backend = await openAs({ gpu: onlyValidation });
    const [a, b, y] = [0, 1, 2].map(() => backend.empty([1536, 1536], dtype)) as [never, never, never];
    const options: Partial<Parameters<Kernels['matmul']>[0]>[] = [{}, { transposeA: true }, { transposeB: true }];
    for (const option of options) backend.kernels.matmul({ a, b, y, ...option });
    await expect(backend.finish()).resolves.toBeUndefined();
    await backend.close();
  });
});
