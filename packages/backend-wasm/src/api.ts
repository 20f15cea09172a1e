/** Options of this backend. */

export interface WasmOptions {
  /**
   * Threads that compute, the caller's included. `auto`, the default, is one per processor up to 8 where SharedArrayBuffer is
   * allowed, else one. Results do not depend on it.
   */
  readonly threads?: 'auto' | number | undefined;
  /**
   * Whether to use the module with relaxed SIMD, whose multiply-add rounds once instead of twice. `auto`, the default, uses
   * it where the engine takes it; results then differ in the last digits from those of an engine that does not.
   */
  readonly relaxed?: 'auto' | boolean | undefined;
  /**
   * Whether to use the module whose products are written for vectors of 256 bits: relaxed SIMD too, and the same results to
   * the last bit. It is nearly twice as fast where V8 joins vectors that stand side by side, which it does on x64 after
   * `--experimental-wasm-revectorize` (Node 24), and slower everywhere else. The flag has to be set before `open`, and by
   * whoever runs the process. Off by default.
   */
  readonly wide?: boolean | undefined;
  /** Most bytes that all tensors and work space may take together; at most, and by default, 4 GiB. */
  readonly maxBytes?: number | undefined;
}
