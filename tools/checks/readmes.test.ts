// The README of every package is made alike, so that a reader finds his way in each: what it is, how to install it, a first
// example, what there is, what it costs, and its errors. What it names of itself is there.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root, workspaces } from '../workspace.mjs';

const sections = ['Example', 'What there is', 'Cost', 'Errors'];

describe.each(workspaces(['packages']))('the README of $manifest.name', ({ directory, manifest }) => {
  const text = readFileSync(join(root, directory, 'README.md'), 'utf8');
  const [head = '', ...rest] = text.split(/^## /m);
  const parts = new Map(rest.map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n'))]));

  it('says what it is and how to install it, then shows an example', () => {
    expect(head).toMatch(new RegExp(`^# ${manifest.name}\n\n[A-Z]`));
    expect(head).toContain(`npm install ${manifest.name}`);
    expect(rest[0]).toMatch(/^Example\n[^]*```ts\n/);
  });

  it('has every section, and tables of what there is and of errors', () => {
    expect([...parts.keys()]).toEqual(expect.arrayContaining(sections));
    for (const name of ['What there is', 'Errors']) expect(parts.get(name), name).toMatch(/^\| -/m);
    expect(parts.get('Cost')?.trim().length).toBeGreaterThan(20);
  });

  it('names nothing that the package does not have', () => {
    const files = readdirSync(join(root, directory, 'src'), { recursive: true, encoding: 'utf8' });
    const sources = files
      .filter((file) => /\.(ts|js)$/.test(file) && !file.endsWith('.gen.ts'))
      .map((file) => readFileSync(join(root, directory, 'src', file), 'utf8'))
      .join('\n');
    const firstCells = [...(parts.get('What there is') ?? '').matchAll(/^\|([^|]*)\|/gm)].map(([, cell = '']) => cell);
    const names = firstCells.flatMap((cell) =>
      [...cell.matchAll(/`(?:new )?(?:\w+\.)?(\w+)/g)].map(([, name]) => name!),
    );
    expect(names.length).toBeGreaterThan(0);
    expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(sources))).toEqual([]);
  });
});
