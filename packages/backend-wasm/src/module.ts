/** The compiled modules: which of the two an engine takes, and their instances. */

import { BackendError } from '@sympow/kernels';
import { relaxed, simd } from './modules.gen';

const texts = { simd, relaxed } as const;
export type Variant = keyof typeof texts;

/** (func (result v128) i32x4.splat, i32x4.splat, i32x4.splat, f32x4.relaxed_madd) */
const relaxedProbe = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7b, 0x03, 0x02, 0x01, 0x00],
  ...[0x0a, 0x13, 0x01, 0x11, 0x00, 0x41, 0x00, 0xfd, 0x11, 0x41, 0x00, 0xfd, 0x11, 0x41, 0x00, 0xfd, 0x11, 0xfd, 0x85],
  ...[0x02, 0x0b],
);

/** Whether this engine knows relaxed SIMD. */
export function hasRelaxedSimd(): boolean {
  return WebAssembly.validate(relaxedProbe);
}

const modules = new Map<Variant, Promise<WebAssembly.Module>>();

/** @throws BackendError where the bytes are no module to this engine */
export async function compile(bytes: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    throw new BackendError({
      what: 'the wasm backend',
      value: String(cause),
      expected: 'an engine with WebAssembly SIMD, and a content security policy that allows it',
      remedy: 'Update the browser or Node, or use js().',
      cause,
    });
  }
}

/** The module, compiled once however many backends are opened. @throws BackendError as {@link compile} */
export function moduleOf(variant: Variant): Promise<WebAssembly.Module> {
  const known = modules.get(variant);
  if (known) return known;
  const compiled = compile(Uint8Array.from(atob(texts[variant]), (character) => character.charCodeAt(0)));
  modules.set(variant, compiled);
  return compiled;
}
