// docs/dependencies.md lists what the published packages bring from outside, each with its licence.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root, workspaces } from '../workspace.mjs';

const listed = [
  ...readFileSync(join(root, 'docs/dependencies.md'), 'utf8').matchAll(/^\| `([^`]+)` +\| ([^|]+) \| ([^|]+) \|/gm),
]
  .map(([, name = '', of = '', licence = '']) => ({ name, of: of.trim().split(', '), licence: licence.trim() }))
  .sort((a, b) => a.name.localeCompare(b.name));

it('every dependency of a published package is listed, with its licence', () => {
  const found = new Map<string, { name: string; of: string[]; licence: string }>();
  for (const { directory, manifest } of workspaces(['packages', 'apps'])) {
    if (manifest.private) continue;
    for (const name of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })) {
      if (name.startsWith('@sympow/')) continue;
      const file = join(root, directory, 'node_modules', name, 'package.json');
      const { license: licence } = JSON.parse(readFileSync(file, 'utf8')) as { license: string };
      const of = [...(found.get(name)?.of ?? []), manifest.name.replace('@sympow/', '')].sort();
      found.set(name, { name, of, licence });
    }
  }
  expect(listed).toEqual([...found.values()].sort((a, b) => a.name.localeCompare(b.name)));
});
