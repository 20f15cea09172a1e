/// <reference types="vite/types/importMeta.d.ts" />
// Every package can be imported in a browser. The project lets no source import a module of Node (vitest.base.ts).
import { expect, it } from 'vitest';

const packages = import.meta.glob<object>('../../packages/*/src/index.ts');

it.each(Object.keys(packages))('%s is imported', async (path) => {
  expect(Object.keys(await packages[path]!())).not.toEqual([]);
});
