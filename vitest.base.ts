// What every package's tests share: `@sympow/*` means the sources, never a build.
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const packages = fileURLToPath(new URL('./packages', import.meta.url));

/** The Vitest project of one package, app or tool; `name` is what `vitest --project` takes. */
export function project(name: string) {
  return defineConfig({
    resolve: { alias: [{ find: /^@sympow\/([^/]+)$/, replacement: `${packages}/$1/src/index.ts` }] },
    // Node 20 does not parse `using`.
    oxc: { target: 'es2022' },
    test: { name, include: ['**/*.test.ts'], exclude: ['**/node_modules/**', '**/dist/**'], testTimeout: 20_000 },
  });
}
