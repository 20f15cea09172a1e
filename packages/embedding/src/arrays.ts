// The arrays that come in and go out: checked at the door, and refused before they are allocated where they cannot be held.
import type { FloatArray } from './api';
import { isTypedArray, ShapeError, typedArrayKind } from '@sympow/core';
import { MAX_ENTRIES, tooLarge } from './size';

interface ArrayClass<A> {
  new (length: number): A;
  readonly BYTES_PER_ELEMENT: number;
}

/** A new array, or an OutOfMemoryError that names its bytes. */
export function allocate<A>(Kind: ArrayClass<A>, length: number, what: string): A {
  if (length > MAX_ENTRIES) throw tooLarge(what, length, Kind.BYTES_PER_ELEMENT);
  try {
    return new Kind(length);
  } catch (cause) {
    throw tooLarge(what, length, Kind.BYTES_PER_ELEMENT, 'as much as the engine has left', cause);
  }
}

/** `out` if it was given and fits, else a new array of the class of `x`. */
export function resultLike<A extends FloatArray>(x: A, length: number, what: string, out: A | undefined): A {
  const Kind = (isTypedArray(x, 'Float32Array') ? Float32Array : Float64Array) as unknown as ArrayClass<A>;
  if (out === undefined) return allocate(Kind, length, what);
  if (typedArrayKind(out) !== typedArrayKind(x)) {
    throw new ShapeError({ what: 'out', value: out, expected: `a ${Kind.name}, as the input is` });
  }
  requireLength('out', out, length);
  return out;
}

/** @throws ShapeError unless `x` is an array of floats. */
export function requireFloats(what: string, x: FloatArray): void {
  if (!isTypedArray(x, 'Float32Array', 'Float64Array')) {
    throw new ShapeError({ what, value: x, expected: 'a Float32Array or a Float64Array' });
  }
}

/** @throws ShapeError unless `x` has that many elements. */
export function requireLength(what: string, x: FloatArray, length: number): void {
  if (x.length !== length) throw new ShapeError({ what: `length of ${what}`, value: x.length, expected: `${length}` });
}
