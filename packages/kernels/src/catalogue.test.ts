// The README's table of kernels is made of the entries. After a change: `pnpm vitest run -u --project kernels catalogue`.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { describe, expect, it } from 'vitest';
import { entryOf, kernelNames } from './catalogue';

const readme = new URL('../README.md', import.meta.url);
const bounds = /(?<=<!-- kernels -->\n)[^]*(?=<!-- \/kernels -->)/;

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
      const { about, reads, writes, lists = [], updates = [] } = entryOf(name);
      const backward = (kernelNames as readonly string[]).includes(`${name}Backward`) ? '' : '·';
      const given = lists.filter((each) => !updates.includes(each));
      return `| \`${name}\`${backward} | ${shown(reads, given)} | ${shown(writes, updates)} | ${about} |`;
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

  it('lists entries and nothing else, each backward beside its forward', () => {
    for (const name of kernelNames) {
      expect(entryOf(name)).toMatchObject({ about: expect.any(String) as string, js: expect.any(Function) as unknown });
      if (name.endsWith('Backward')) expect(kernelNames).toContain(name.replace('Backward', ''));
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
