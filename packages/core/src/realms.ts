// Values by what they are. `instanceof` asks whose they are, and says no to an array of another frame, worker page, vm context or
// test runner, and to an error of another copy of a package, such as its CommonJS beside its ESM.

interface TypedArrays {
  Int8Array: Int8Array;
  Uint8Array: Uint8Array;
  Uint8ClampedArray: Uint8ClampedArray;
  Int16Array: Int16Array;
  Uint16Array: Uint16Array;
  Int32Array: Int32Array;
  Uint32Array: Uint32Array;
  Float32Array: Float32Array;
  Float64Array: Float64Array;
  BigInt64Array: BigInt64Array;
  BigUint64Array: BigUint64Array;
}

/** The name of the kind of a typed array, such as `Uint8Array` for a Buffer; nothing for anything else. */
export function typedArrayKind(value: unknown): keyof TypedArrays | undefined {
  // An array's own answer, which no other class and no other realm changes. Anything else has none.
  return Reflect.get(typedArrayPrototype, Symbol.toStringTag, value) as keyof TypedArrays | undefined;
}

const typedArrayPrototype = Object.getPrototypeOf(Uint8Array.prototype) as object;

/**
 * Whether a value is a typed array of one of the kinds, whichever realm it comes from.
 *
 * @example
 * ```ts
 * isTypedArray(Buffer.from('a'), 'Uint8Array'); // true
 * isTypedArray([1], 'Float32Array', 'Float64Array'); // false
 * ```
 */
export function isTypedArray<K extends keyof TypedArrays>(
  value: unknown,
  ...kinds: readonly [K, ...K[]]
): value is TypedArrays[K] {
  return kinds.includes(typedArrayKind(value) as K);
}

/** Whether `await` would wait for it: a promise of any realm or library. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}

/** Whether it is an error, of any realm. */
export function isError(value: unknown): value is Error {
  return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]';
}

/** What a caught value says: the message of an error, anything else as text. */
export function messageOf(cause: unknown): string {
  return isError(cause) ? cause.message : String(cause);
}
