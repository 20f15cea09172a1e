// What a page loads of a package: what is built, bundled and made small by esbuild, as a user's bundler does it. Bars hold what is reached:
// one that grows by 5 % breaks, and says which files weigh most. What is loaded later, when it is asked for, counts apart: an engine
// takes one of three modules. docs/rejected.md says what was aimed at.
import { join } from 'node:path';
import { build, type Metafile } from 'esbuild';
import { beforeAll, expect, it } from 'vitest';
import { bundle } from '../bundle.mjs';
import { root, workspaces } from '../workspace.mjs';

/** What may be added before a bar breaks. */
const growth = 1.05;
const packages = workspaces(['packages']).map(({ directory, manifest }) => [manifest.name, directory] as const);
const alias = Object.fromEntries(packages.map(([name, directory]) => [name, join(root, directory, 'dist/index.js')]));

interface Bar {
  readonly what: string;
  readonly code: string;
  /** Bytes at once. */
  readonly bytes: number;
  /** Bytes with the largest part that is loaded later. */
  readonly later?: number;
}

const bars: readonly Bar[] = [
  { what: 'an error of core', code: "export { ShapeError } from '@sympow/core'", bytes: 1448 },
  { what: 'an error by way of kernels', code: "export { ShapeError } from '@sympow/kernels'", bytes: 1448 },
  { what: 'φ', code: "export { embed } from '@sympow/embedding'", bytes: 5834 },
  { what: 'a storage', code: "export { openStorage } from '@sympow/storage'", bytes: 16_803 },
  { what: 'js', code: "export { js } from '@sympow/kernels'", bytes: 74_902 },
  {
    what: 'a form of the recurrence with js',
    code: "export { chunkedForm } from '@sympow/recurrence'; export { js } from '@sympow/kernels'",
    bytes: 78_664,
  },
  { what: 'wasm', code: "export { wasm } from '@sympow/backend-wasm'", bytes: 59_657, later: 102_671 },
  {
    what: 'a model with wasm',
    code: "export { Model } from '@sympow/model'; export { wasm } from '@sympow/backend-wasm'",
    bytes: 125_147,
    later: 168_161,
  },
];

beforeAll(() => bundle(), 120_000);

it.each(bars)('$what', async ({ code, bytes, later }) => {
  const { outputFiles, metafile, warnings } = await build({
    stdin: { contents: code, resolveDir: root },
    ...{ bundle: true, minify: true, splitting: true, write: false, metafile: true, treeShaking: true },
    ...{ format: 'esm', platform: 'neutral', outdir: 'out', alias, external: ['node:*'], logLevel: 'silent' },
  });
  expect(warnings).toEqual([]);
  const [first, ...rest] = outputFiles.map(({ contents }) => contents.length);
  expect(first, heaviest(metafile)).toBeLessThan(growth * bytes);
  if (later === undefined) return;
  expect(rest.length, 'parts that are loaded later').toBeGreaterThan(0);
  expect(first! + Math.max(...rest), heaviest(metafile)).toBeLessThan(growth * later);
});

function heaviest({ outputs }: Metafile): string {
  const inputs = Object.values(outputs).flatMap((output) => Object.entries(output.inputs));
  const sorted = inputs.sort(([, a], [, b]) => b.bytesInOutput - a.bytesInOutput).slice(0, 12);
  return sorted.map(([file, { bytesInOutput }]) => `${bytesInOutput} ${file}`).join('\n');
}
