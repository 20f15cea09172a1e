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
  { what: 'an error of core', code: "export { ShapeError } from '@sympow/core'", bytes: 1281 },
  { what: 'an error by way of kernels', code: "export { ShapeError } from '@sympow/kernels'", bytes: 1281 },
  { what: 'φ', code: "export { embed } from '@sympow/embedding'", bytes: 4996 },
  { what: 'a storage', code: "export { openStorage } from '@sympow/storage'", bytes: 16_548 },
  { what: 'js', code: "export { js } from '@sympow/kernels'", bytes: 75_627 },
  {
    what: 'a form of the recurrence with js',
    code: "export { chunkedForm } from '@sympow/recurrence'; export { js } from '@sympow/kernels'",
    bytes: 79_470,
  },
  {
    what: 'a form of the recurrence with its own kernels',
    code: "import { chunkedKernels } from '@sympow/recurrence'; import { jsWith } from '@sympow/kernels'; export const factory = jsWith(chunkedKernels); export { chunkedForm } from '@sympow/recurrence'",
    bytes: 56_604,
  },
  { what: 'wasm', code: "export { wasm } from '@sympow/backend-wasm'", bytes: 59_444, later: 93_462 },
  {
    what: 'a model with wasm',
    code: "export { Model } from '@sympow/model'; export { wasm } from '@sympow/backend-wasm'",
    bytes: 129_044,
    later: 163_062,
  },
  {
    what: 'loading a model with wasm',
    code: "export { loadModel, Model } from '@sympow/model'; export { wasm } from '@sympow/backend-wasm'",
    bytes: 164_355,
    later: 198_373,
  },
];

beforeAll(() => bundle(), 120_000);

it.each(bars)('$what', async ({ code, bytes, later }) => {
  const { metafile, warnings } = await build({
    stdin: { contents: code, resolveDir: root },
    ...{ bundle: true, minify: true, splitting: true, write: false, metafile: true, treeShaking: true },
    ...{ format: 'esm', platform: 'neutral', outdir: 'out', alias, external: ['node:*'], logLevel: 'silent' },
  });
  expect(warnings).toEqual([]);
  const { outputs } = metafile;
  const first = loadedWith(
    Object.keys(outputs).filter((file) => outputs[file]!.entryPoint === '<stdin>'),
    metafile,
  );
  const sizeOf = (files: Iterable<string>) => [...files].reduce((sum, file) => sum + outputs[file]!.bytes, 0);
  expect(sizeOf(first), heaviest(metafile)).toBeLessThan(growth * bytes);
  if (later === undefined) return;
  const parts = [...first].flatMap((file) => importsOf(file, 'dynamic-import', metafile));
  expect(parts.length, 'parts that are loaded later').toBeGreaterThan(0);
  const sizes = parts.map((part) => sizeOf(loadedWith([...first, part], metafile)));
  expect(Math.max(...sizes), heaviest(metafile)).toBeLessThan(growth * later);
});

/** Files and all that they import at once. */
function loadedWith(files: readonly string[], metafile: Metafile, found = new Set<string>()): Set<string> {
  for (const file of files) {
    if (found.has(file)) continue;
    found.add(file);
    loadedWith(importsOf(file, 'import-statement', metafile), metafile, found);
  }
  return found;
}

function importsOf(file: string, kind: string, { outputs }: Metafile): string[] {
  return outputs[file]!.imports.flatMap((each) => (each.kind === kind && outputs[each.path] ? [each.path] : []));
}

function heaviest({ outputs }: Metafile): string {
  const inputs = Object.values(outputs).flatMap((output) => Object.entries(output.inputs));
  const sorted = inputs.sort(([, a], [, b]) => b.bytesInOutput - a.bytesInOutput).slice(0, 12);
  return sorted.map(([file, { bytesInOutput }]) => `${bytesInOutput} ${file}`).join('\n');
}
