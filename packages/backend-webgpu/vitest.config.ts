import { existsSync } from 'node:fs';
import { mergeConfig } from 'vitest/config';
import { project } from '../../vitest.base.ts';

// A Vulkan driver that runs on any CPU, as Debian's chromium brings it. Both variables are read by the process's loader, so
// they have to be there before it starts: hence forks.
const chromium = '/usr/lib/chromium';
const present = existsSync(`${chromium}/vk_swiftshader_icd.json`);
const env: Record<string, string> = present
  ? { VK_ICD_FILENAMES: `${chromium}/vk_swiftshader_icd.json`, LD_LIBRARY_PATH: chromium }
  : {};

export default mergeConfig(project('backend-webgpu'), { test: { pool: 'forks', env, testTimeout: 60_000 } });
