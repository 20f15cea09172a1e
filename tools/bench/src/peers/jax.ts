/**
 * jax-js (github.com/ekzhang/jax-js) on its WebAssembly device. In Node it computes on one thread: its workers are the
 * browser's.
 */

import type * as Jax from '@jax-js/jax';

export type JaxModule = typeof Jax;

let started: Promise<JaxModule> | undefined;

/** The library, with its device ready; loaded when first asked for. */
export function jax(): Promise<JaxModule> {
  started ??= import('@jax-js/jax').then(async (library) => {
    await library.init('wasm');
    library.defaultDevice('wasm');
    return library;
  });
  return started;
}

export const jaxName = 'jax-js wasm';

/** The elements of an array, which is given up. */
export async function numbersOf(array: Jax.Array): Promise<ArrayLike<number>> {
  // The library's own type names a Float16Array, which this TypeScript does not know.
  return (await array.data()) as ArrayLike<number>;
}
