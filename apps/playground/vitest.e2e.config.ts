// The end-to-end tests: not part of `pnpm test`, as they build the site and take a browser of their own.
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { project } from '../../vitest.base.ts';

const base = project('playground');

export default defineConfig({
  ...base,
  root: fileURLToPath(new URL('.', import.meta.url)),
  test: {
    ...base.test,
    include: [process.env.NIGHTLY ? 'e2e/*.nightly.ts' : 'e2e/*.e2e.ts'],
    globalSetup: 'e2e/setup.ts',
    // Times are measured.
    fileParallelism: false,
    pool: 'threads',
    testTimeout: 150_000,
    hookTimeout: 60_000,
    // A machine that does much else is slow, which is no fault.
    expect: { poll: { timeout: 60_000 } },
  },
});
