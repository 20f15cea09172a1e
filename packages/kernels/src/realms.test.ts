// Values of another realm, as a page's frame, a worker or a test runner makes them, and errors of another copy of this package.
import { runInNewContext } from 'node:vm';
import { describe, expect, it, vi } from 'vitest';
import type { BackendFactory, TypedArray } from './api';
import { BackendError } from './errors';
import { firstAvailable } from './firstAvailable';
import { js } from './js';

const foreign = (code: string) => runInNewContext(code) as TypedArray;

describe('arrays of another realm', () => {
  it('become tensors of their own type', async () => {
    const backend = await js({ float: 'float64' }).open();
    expect(backend.upload(foreign('Int32Array.of(1, 2)'), [2]).dtype).toBe('int32');
    expect(backend.upload(foreign('Float64Array.of(1, 2)'), [2]).dtype).toBe('float64');
    expect(await backend.upload(foreign('Int32Array.of(2147483647, 2)'), [2]).read()).toEqual(
      Int32Array.of(2147483647, 2),
    );
  });

  it('are written as they are', async () => {
    const backend = await js().open();
    const x = backend.empty([2]);
    backend.write(x, foreign('Float32Array.of(1.5, -2)'));
    expect(await x.read()).toEqual(Float32Array.of(1.5, -2));
  });
});

it('a promise of another realm is no result of a scope', async () => {
  const backend = await js().open();
  expect(() => backend.scope(() => runInNewContext('Promise.resolve(1)') as unknown)).toThrow('an async function');
});

describe('firstAvailable', () => {
  const refusing = (error: Error): BackendFactory => ({ name: 'gpu', open: () => Promise.reject(error) });
  const details = { what: 'the device', value: 'none', expected: 'one' };

  it('goes on behind a BackendError of another copy', async () => {
    vi.resetModules();
    const other = await import('./errors');
    const error = new other.BackendError(details);
    expect(error).not.toBeInstanceOf(BackendError);
    const { backend, refused } = await firstAvailable([refusing(error), js()]).choose();
    expect(backend.name).toBe('js');
    expect(refused).toEqual([{ name: 'gpu', reason: error.message }]);
  });

  it('stops at any other error', async () => {
    const { ConfigError } = await import('./errors');
    for (const error of [new ConfigError(details), new TypeError('a mistake')]) {
      await expect(firstAvailable([refusing(error), js()]).open()).rejects.toBe(error);
    }
  });
});
