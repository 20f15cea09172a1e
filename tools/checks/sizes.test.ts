// What a page loads of a package: what is built, bundled and made small by esbuild, as a user's bundler does it. A bar that breaks
// says which files weigh most. What is loaded later, when it is asked for, counts apart: an engine takes one of three modules.
import { join } from 'node:path';
import { build, type Metafile } from 'esbuild';
import { beforeAll, expect, it } from 'vitest';
import { bundle } from '../bundle.mjs';
import { root, workspaces } from '../workspace.mjs';

const KiB = 1024;
const packages = workspaces(['packages']).map(({ directory, manifest }) => [manifest.name, directory] as const);
const alias = Object.fromEntries(packages.map(([name, directory]) => [name, join(root, directory, 'dist/index.js')]));

interface Bar {
  readonly what: string;
  readonly code: string;
  /** Most bytes at once. */
  readonly most: number;
  /** Most bytes with the largest part that is loaded later. */
  readonly later?: number;
}

const bars: readonly Bar[] = [
  { what: 'an error of core', code: "export { ShapeError } from '@sympow/core'", most: 2 * KiB },
  { what: 'an error by way of kernels', code: "export { ShapeError } from '@sympow/kernels'", most: 2 * KiB },
  { what: 'φ', code: "export { embed } from '@sympow/embedding'", most: 6 * KiB },
  { what: 'a storage', code: "export { openStorage } from '@sympow/storage'", most: 17 * KiB },
  { what: 'js', code: "export { js } from '@sympow/kernels'", most: 74 * KiB },
  {
    what: 'a form of the recurrence with js',
    code: "export { chunkedForm } from '@sympow/recurrence'; export { js } from '@sympow/kernels'",
    most: 77 * KiB,
  },
  { what: 'wasm', code: "export { wasm } from '@sympow/backend-wasm'", most: 59 * KiB, later: 101 * KiB },
];

beforeAll(() => bundle(), 120_000);

it.each(bars)('$what', async ({ code, most, later }) => {
  const { outputFiles, metafile, warnings } = await build({
    stdin: { contents: code, resolveDir: root },
    ...{ bundle: true, minify: true, splitting: true, write: false, metafile: true, treeShaking: true },
    ...{ format: 'esm', platform: 'neutral', outdir: 'out', alias, external: ['node:*'], logLevel: 'silent' },
  });
  expect(warnings).toEqual([]);
  const [first, ...rest] = outputFiles.map(({ contents }) => contents.length);
  expect(first, heaviest(metafile)).toBeLessThanOrEqual(most);
  if (later === undefined) return;
  expect(rest.length, 'parts that are loaded later').toBeGreaterThan(0);
  expect(first! + Math.max(...rest), heaviest(metafile)).toBeLessThanOrEqual(later);
});

function heaviest({ outputs }: Metafile): string {
  const inputs = Object.values(outputs).flatMap((output) => Object.entries(output.inputs));
  const sorted = inputs.sort(([, a], [, b]) => b.bytesInOutput - a.bytesInOutput).slice(0, 12);
  return sorted.map(([file, { bytesInOutput }]) => `${bytesInOutput} ${file}`).join('\n');
}
