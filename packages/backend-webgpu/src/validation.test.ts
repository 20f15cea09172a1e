import { cases, checkCase, recurrenceCases } from '@sympow/conformance';
import type { Kernels } from '@sympow/kernels';
import { describe, expect, it } from 'vitest';
import type { AdapterFacts } from './api';
import { webgpu } from './backend';
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

describe('matrix units', () => {
  // Some shaders take more memory of a workgroup than this device has; it says so when the shader itself is valid.
  const withRoom = ({ limits }: AdapterFacts) => ({
    matrixUnits: true,
    limits: { ...limits, maxComputeWorkgroupStorageSize: 49152 },
  });

  it.each(['split', 'float16'] as const)('%s: every product is valid', async (products) => {
    const backend = await openAs({ gpu: onlyValidation, products, facts: withRoom });
    const bias = backend.empty([72]);
    for (const dtype of ['float32', 'float16', 'bfloat16'] as const)
      for (const transposeA of [false, true])
        for (const transposeB of [false, true]) {
          const [m, n, k] = [136, 72, 2100];
          const launch = () => {
            const a = backend.empty(transposeA ? [k, m] : [m, k], dtype);
            const b = backend.empty(transposeB ? [n, k] : [k, n], dtype);
            const y = backend.empty([m, n], dtype);
            backend.kernels.matmul({ a, b, bias, y, transposeA, transposeB, accumulate: true });
          };
          const refused = await Promise.resolve()
            .then(launch)
            .then(() => backend.finish())
            .catch((error: Error) => error.message);
          if (refused) expect(refused).toContain('The total use of workgroup storage');
        }
    await backend.close();
  });

  it.each(['split', 'float16'] as const)('%s: attention and the products with φ are valid', async (products) => {
    const backend = await openAs({ gpu: onlyValidation, products, facts: withRoom });
    const wanted = [
      ...[64, 36].flatMap((d) =>
        recurrenceCases({ name: `d = ${d}`, T: 140, G: 1, H: 2, d, e: d, power: 2, chunk: 130, gates: 'usual' }),
      ),
      ...recurrenceCases({ name: 'p = 4', T: 140, d: 9, e: 37, power: 4, chunk: 130 }),
      ...cases.filter(({ kernel, name }) => kernel.startsWith('softmaxAttention') && name.includes('65')),
    ].filter(({ kernel }) => /^(updateState|queryState|powerAttention|softmaxAttention)/.test(kernel));
    for (const kase of wanted) {
      const refused = await checkCase(backend, kase)
        .then(() => backend.finish())
        .catch((error: Error) => error.message);
      if (refused) expect(refused).toContain('The total use of workgroup storage');
    }
    await backend.close();
  });

  it('are asked for in vain where there are none', async () => {
    await expect(webgpu({ gpu: onlyValidation, products: 'split' }).open()).rejects.toThrow(
      /products of the webgpu backend.*matrix units/,
    );
    expect(() => webgpu({ products: 'float8' as never })).toThrow(/float32, split, float16/);
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
