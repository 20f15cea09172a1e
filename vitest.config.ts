import { defineConfig } from 'vitest/config';
import { generate } from './tools/generate.mjs';

await generate();

export default defineConfig({
  test: {
    projects: [
      '{packages,apps,tools}/*/vitest.config.ts',
      '{packages,apps,tools}/*/vitest.{browser,isolated}.config.ts',
    ],
    pool: 'threads',
    // Vitest would leave one core idle, of two.
    maxWorkers: '100%',
    coverage: { provider: 'v8', include: ['packages/*/src/**/*.ts'], exclude: ['**/*.{test,cases}.ts'] },
  },
});
