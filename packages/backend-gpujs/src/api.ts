/** Options of this backend. */

/** The ways in which gpu.js computes that this backend uses. */
export type Mode = 'webgl2' | 'webasm' | 'cpu';

/** How `gpujs` opens. */
export interface GpujsOptions {
  /**
   * How gpu.js computes. `auto`, the default, takes the first that opens here: `webgl2`, then `webasm`, then `cpu`; the
   * notes of the backend's capabilities say which it was and why not the ones before.
   */
  readonly mode?: 'auto' | Mode | undefined;
}
