/// <reference types="vite/types/importMeta.d.ts" />
// Every package but one can be imported in a browser. The project lets no source import a module of Node (vitest.base.ts).
import { expect, it } from 'vitest';

// Several processes are a matter of Node: `distributed` starts a thread of its own for them.
const packages = import.meta.glob<object>(['../../packages/*/src/index.ts', '!../../packages/distributed/**']);

it.each(Object.keys(packages))('%s is imported', async (path) => {
  expect(Object.keys(await packages[path]!())).not.toEqual([]);
});
