// The README's table of kernels is made of the entries. After a change: `pnpm vitest run -u --project kernels catalogue`.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { describe, expect, it } from 'vitest';
import { bodyOf, entryOf, kernelNames } from './catalogue';
import * as definitions from './definitions.gen';

const readme = new URL('../README.md', import.meta.url);
const bounds = /(?<=<!-- kernels -->\n)[^]*(?=<!-- \/kernels -->)/;

const folder = new URL('./catalogue/', import.meta.url);
const sources = readdirSync(folder).map((file) => readFileSync(new URL(file, folder), 'utf8'));

/** The comment of an entry, on one line. */
function commentOf(name: string): string {
  const text = sources.map((source) =>
    new RegExp(`/\\*\\*((?:(?!\\*/)[^])*)\\*/\\nexport const ${name}: Entry<`).exec(source),
  );
  const found = text.find((each) => each !== null)?.[1] ?? '';
  return found.replace(/\n \*/g, ' ').replace(/\s+/g, ' ').trim().replace(/\.$/, '').replaceAll('|', '\\|');
}

/** Arguments with their axes: `x [… n], weight? [n]`. */
function shown(axes: Readonly<Record<string, string>>, lists: readonly string[] = []): string {
  const tensors = Object.entries(axes).map(([name, each]) =>
    `\`${name}\` [${each.replace('*', '')}]`.replace(' []', ''),
  );
  return [...lists.map((name) => `\`${name}\` list`), ...tensors].join(', ');
}

function table(): string {
  const rows = kernelNames
    .filter((name) => !name.endsWith('Backward'))
    .map((name) => {
      const { reads, writes, lists = [], updates = [] } = entryOf(name);
      const backward = (kernelNames as readonly string[]).includes(`${name}Backward`) ? '' : '·';
      const given = lists.filter((each) => !updates.includes(each));
      return `| \`${name}\`${backward} | ${shown(reads, given)} | ${shown(writes, updates)} | ${commentOf(name)} |`;
    });
  return ['| Kernel | Reads | Writes | What |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

describe('the catalogue', () => {
  it('is what the README shows', async () => {
    const text = readFileSync(readme, 'utf8');
    const options = { ...(await resolveConfig(readme)), parser: 'markdown' };
    const expected = `\n${await format(table(), options)}\n`;
    await expect(text.replace(bounds, () => expected)).toMatchFileSnapshot(fileURLToPath(readme));
  });

  it('has a definition and a comment for each, and each backward beside its forward', () => {
    const all = Object.values(definitions as Record<string, object>).map(({ bodies, ...own }: { bodies?: object }) => [
      Object.keys(own),
      Object.keys(bodies ?? {}),
    ]);
    expect(all.flatMap(([own]) => own).sort()).toEqual([...kernelNames].sort());
    expect(all.flatMap(([, composed]) => composed).sort()).toEqual(kernelNames.filter((name) => bodyOf(name)).sort());
    expect(kernelNames.filter((name) => commentOf(name) === '')).toEqual([]);
    for (const name of kernelNames.filter((each) => each.endsWith('Backward'))) {
      expect(kernelNames).toContain(name.replace('Backward', ''));
    }
  });

  it('marks arguments that there are', () => {
    for (const name of kernelNames) {
      const {
        reads,
        writes,
        lists = [],
        updates = [],
        integers = [],
        anyType = [],
        wide = [],
        together = [],
      } = entryOf(name);
      const names = [...Object.keys({ ...reads, ...writes }).map((key) => key.replace('?', '')), ...lists];
      expect(names, name).toEqual(expect.arrayContaining([...updates, ...integers, ...anyType, ...wide, ...together]));
    }
  });
});
