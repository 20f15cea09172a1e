import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { ConfigError, isSympowError, ShapeError, SympowError } from './errors';
import { isError, isThenable, isTypedArray, messageOf, typedArrayKind } from './realms';

const foreign = (code: string): unknown => runInNewContext(code);

describe('of another realm', () => {
  it('arrays have their kind', () => {
    for (const kind of ['Uint8Array', 'Int32Array', 'Float32Array', 'Float64Array', 'BigInt64Array']) {
      expect(typedArrayKind(foreign(`new ${kind}(2)`))).toBe(kind);
    }
    expect(typedArrayKind(foreign('new (class Mine extends Float32Array {})(2)'))).toBe('Float32Array');
    expect(isTypedArray(foreign('new Float32Array(2)'), 'Float32Array', 'Float64Array')).toBe(true);
    expect(isTypedArray(foreign('new Float32Array(2)'), 'Float64Array')).toBe(false);
  });

  it('promises are thenable', () => {
    expect(isThenable(foreign('Promise.resolve(1)'))).toBe(true);
    expect(isThenable(foreign('({ then() {} })'))).toBe(true);
  });

  it('errors are errors', () => {
    expect(isError(foreign('new RangeError("far")'))).toBe(true);
    expect(messageOf(foreign('new RangeError("far")'))).toBe('far');
  });
});

it('what is no typed array has no kind', () => {
  for (const value of [
    undefined,
    null,
    1,
    'Uint8Array',
    [1],
    {},
    new DataView(new ArrayBuffer(4)),
    new ArrayBuffer(4),
  ]) {
    expect(typedArrayKind(value)).toBeUndefined();
  }
  expect(typedArrayKind({ [Symbol.toStringTag]: 'Float32Array', length: 2 })).toBeUndefined();
  expect(typedArrayKind(Buffer.from('a'))).toBe('Uint8Array');
});

it('what has no then is not thenable, and what is no error says what it is', () => {
  for (const value of [undefined, null, 0, 'then', { then: 1 }, []]) expect(isThenable(value)).toBe(false);
  for (const value of [undefined, null, 'text', { message: 'm' }]) expect(isError(value)).toBe(false);
  expect(messageOf('text')).toBe('text');
});

describe('errors of another copy of these packages', () => {
  /** The class as a second copy of this package has it. */
  class OtherError extends Error {
    override readonly name = 'ConfigError';
    readonly code = 'CONFIG';
    readonly problem = 'power is 3';
    readonly value = 3;
    readonly expected = 'an even number';
    readonly remedy = undefined;
  }

  it('are known, and by their code', () => {
    const error: unknown = new OtherError('power is 3; expected an even number.');
    expect(error).not.toBeInstanceOf(SympowError);
    expect(isSympowError(error)).toBe(true);
    expect(isSympowError(error, 'CONFIG')).toBe(true);
    expect(isSympowError(error, 'SHAPE')).toBe(false);
  });

  it('are no others', () => {
    const details = { what: 'x', value: 1, expected: '2' };
    expect(isSympowError(new ConfigError(details), 'CONFIG')).toBe(true);
    expect(isSympowError(new ShapeError(details), 'CONFIG')).toBe(false);
    const system = Object.assign(new Error('no such file'), { code: 'ENOENT', syscall: 'open' });
    for (const other of [undefined, null, 'CONFIG', system, { code: 'CONFIG' }, new TypeError('CONFIG')]) {
      expect(isSympowError(other)).toBe(false);
    }
  });
});
