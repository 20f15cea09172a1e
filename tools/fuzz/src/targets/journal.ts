// The journal of `prepare`, and the files that it says are written.
import { mkdtempSync, rmSync } from 'node:fs';
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepare } from '@sympow/data';
import fc from 'fast-check';
import { changedText } from '../inputs';
import { target } from '../target';

const folder = mkdtempSync(join(tmpdir(), 'fuzz-journal-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

const bytes = new TextEncoder().encode('It was the best of times, it was the worst of times. '.repeat(4));
const inputs = ['one', 'two'].map((name) => ({ name, size: bytes.length, read: () => Promise.resolve(bytes) }));

/** A run that was stopped after its first document. */
const begun = new Map<string, { path: string; journal: unknown }>();
for (const kind of ['bin', 'zarr']) {
  const out = join(folder, `begun.${kind}`);
  for await (const _ of prepare(inputs, options(out))) break;
  const path = `${out}.partial`;
  begun.set(kind, { path, journal: JSON.parse(await readFile(join(path, 'prepare.json'), 'utf8')) });
}

function options(out: string) {
  return { out, certainEvery: 1, ...(out.endsWith('.zarr') && { zarr: { length: 32, chunk: [2, 32] as const } }) };
}

export const journal = target({
  name: 'journal',
  share: 0.02,
  inputs: fc
    .constantFrom(...begun)
    .chain(([kind, { path, journal }]) =>
      fc.record({ kind: fc.constant(kind), path: fc.constant(path), text: changedText(journal) }),
    ),
  async run({ kind, path, text }) {
    const out = join(folder, `again.${kind}`);
    try {
      await cp(path, `${out}.partial`, { recursive: true });
      await writeFile(join(`${out}.partial`, 'prepare.json'), text);
      for await (const _ of prepare(inputs, options(out)));
    } finally {
      for (const suffix of ['', '.partial', '.index', '.json', '.tokenizer.json']) {
        await rm(`${out}${suffix}`, { recursive: true, force: true });
      }
    }
  },
});
