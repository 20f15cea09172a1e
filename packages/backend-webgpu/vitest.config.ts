import { mergeConfig } from 'vitest/config';
import { softwareGpu } from '../../tools/softwareGpu.mjs';
import { project } from '../../vitest.base.ts';

// Only a process's start reads where the driver is: hence forks.
export default mergeConfig(project('backend-webgpu'), {
  test: { pool: 'forks', env: softwareGpu, testTimeout: 300_000 },
});
