/** The compiled modules: which of them an engine takes, and their instances. */

import { BackendError } from '@sympow/kernels';

/** Loaded when they are needed: an engine takes one of them. */
const texts = {
  simd: () => import('./simd.gen'),
  relaxed: () => import('./relaxed.gen'),
  wide: () => import('./wide.gen'),
};
export type Variant = keyof typeof texts;

/** (func (result v128) i32x4.splat, i32x4.splat, i32x4.splat, f32x4.relaxed_madd) */
const relaxedProbe = [
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7b, 0x03, 0x02, 0x01, 0x00],
  ...[0x0a, 0x13, 0x01, 0x11, 0x00, 0x41, 0x00, 0xfd, 0x11, 0x41, 0x00, 0xfd, 0x11, 0x41, 0x00, 0xfd, 0x11, 0xfd, 0x85],
  ...[0x02, 0x0b],
];

/** Whether this engine knows relaxed SIMD. */
export function hasRelaxedSimd(): boolean {
  return WebAssembly.validate(Uint8Array.from(relaxedProbe));
}

const modules = /* @__PURE__ */ new Map<string, Promise<WebAssembly.Module>>();

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
export function moduleOf(variant: Variant, shared = false): Promise<WebAssembly.Module> {
  const key = `${variant} ${shared}`;
  const known = modules.get(key);
  if (known) return known;
  const compiled = load(variant).then((bytes) => compile(shared ? withSharedMemory(bytes) : bytes));
  modules.set(key, compiled);
  // A part of a page that could not be fetched may be there the next time.
  compiled.catch(() => modules.delete(key));
  return compiled;
}

async function load(variant: Variant): Promise<Uint8Array<ArrayBuffer>> {
  const { base64 } = await texts[variant]();
  const packed = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The most pages that a module with shared memory takes. */
export const mostPages = 65536;

/** An unsigned LEB128 number at `at`, and where the next byte is. */
function readNumber(bytes: Uint8Array, at: number): [value: number, next: number] {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++]!;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return [value, at];
  }
}

function number(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...number(value >>> 7)];
}

/**
 * The same module importing shared memory. That is a matter of one import's limits, so there is one set of bytes for both;
 * the module's code takes part in no hand-over between threads and needs no atomic instructions.
 */
export function withSharedMemory(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const importSection = 2;
  for (let at = 8; at < bytes.length;) {
    const [size, begin] = readNumber(bytes, at + 1);
    const end = begin + size;
    if (bytes[at] === importSection) {
      // Its only import: a count of 1, two names, kind 2 (memory), limits without a maximum.
      const [module, afterModule] = readNumber(bytes, begin + 1);
      const [name, afterName] = readNumber(bytes, afterModule + module);
      const limits = afterName + name + 1;
      const [pages] = readNumber(bytes, limits + 1);
      const section = [...bytes.subarray(begin, limits), 3, ...number(pages), ...number(mostPages)];
      return Uint8Array.from([
        ...bytes.subarray(0, at + 1),
        ...number(section.length),
        ...section,
        ...bytes.subarray(end),
      ]);
    }
    at = end;
  }
  throw new BackendError({
    what: 'the wasm module',
    value: 'without imports',
    expected: 'one that imports its memory',
  });
}
