import { mergeConfig } from 'vitest/config';
import { softwareGpu } from '../softwareGpu.mjs';
import { project } from '../../vitest.base.ts';

// Only a process's start reads where the driver is.
export default mergeConfig(project('gpu'), { test: { pool: 'forks', env: softwareGpu, testTimeout: 120_000 } });
