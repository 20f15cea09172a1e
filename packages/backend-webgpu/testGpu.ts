// The GPU that this package's tests run on: the best that Dawn finds, which without a GPU is the SwiftShader that
// vitest.config.ts points it to. Where there is neither, tests are skipped with the reason, but in CI they fail.
import { create } from 'webgpu';

export const gpu = create([]);
export const onlyValidation = create(['backend=null', 'enable-dawn-features=allow_unsafe_apis']);

const there = (await gpu.requestAdapter()) !== null;
/** Why there is nothing to compute on, or undefined. */
export const missing =
  there || process.env.CI ? undefined : 'no GPU adapter here; `apt-get install chromium` brings a software one';
