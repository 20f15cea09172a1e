/** What a backend of the list says about itself, and what it is opened with. */
import type { Backend, BackendFactory } from '@sympow/kernels';

/** How a backend is opened. What it has no use for, it ignores. */
export interface OpenOptions {
  /** Threads that compute; by default as many as the backend finds good. */
  readonly threads?: number | undefined;
  /** Whether experimental flags of the engine may be set that make WebAssembly faster; `auto` unless said otherwise. */
  readonly engineFlags?: EngineFlagMode | undefined;
  /** Options of the backend itself, as its own factory takes them. They go before all others. */
  readonly own?: object | undefined;
  /** Options of Dawn, which is WebGPU in Node: `backend=vulkan`. */
  readonly dawn?: readonly string[] | undefined;
}

/** `auto` sets them where a test shows that they give the same numbers, faster. */
export type EngineFlagMode = 'auto' | 'off';

/** The flags in force, in the words of `node --v8-options`, and why these. */
export interface EngineFlags {
  readonly flags: readonly string[];
  readonly reason: string;
}

/** A backend of the list. To add one: a line in `backends/index.ts`. */
export interface BackendEntry {
  readonly name: string;
  /** Whether `auto` passes it over: there for where the others cannot run, and slower than they are here. */
  readonly byNameAlone?: boolean;
  /** @param auto - whether nobody asked for it by name */
  make(options: OpenOptions, auto: boolean): BackendFactory;
}

/** An open backend, and why it is this one. */
export interface OpenedBackend {
  readonly backend: Backend;
  /** The name of its entry. */
  readonly name: string;
  /** Those that were tried before it, each with its reason. */
  readonly refused: readonly { readonly name: string; readonly reason: string }[];
}
