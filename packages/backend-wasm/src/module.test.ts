import { BackendError } from '@sympow/kernels';
import { describe, expect, it } from 'vitest';
import { compile, hasRelaxedSimd, moduleOf } from './module';

describe('the modules', () => {
  it('compile once for all backends', async () => {
    expect(await moduleOf('simd')).toBe(await moduleOf('simd'));
  });

  it('import nothing but their memory', async () => {
    expect(WebAssembly.Module.imports(await moduleOf('simd'))).toEqual([
      { module: 'env', name: 'memory', kind: 'memory' },
    ]);
  });

  it('are refused with a BackendError where the engine does not take them', async () => {
    await expect(compile(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 99))).rejects.toThrow(BackendError);
  });

  it('compile with relaxed SIMD exactly where the probe says so', async () => {
    const compiled = await moduleOf('relaxed').then(
      () => true,
      () => false,
    );
    expect(compiled).toBe(hasRelaxedSimd());
  });
});
