// Every name that a package exports at run time, kept in its exports.txt: a change of the public surface shows in review.
// After a change that is meant: `pnpm vitest run -u --project checks`.
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { entries, root, workspaces } from '../workspace.mjs';

for (const { directory, manifest } of workspaces(['packages'])) {
  describe(manifest.name, () => {
    for (const [name, source] of Object.entries(entries(join(root, directory), manifest).points)) {
      const list = name === 'index' ? 'exports.txt' : `exports.${name.replaceAll('/', '.')}.txt`;
      it(`exports from ${source} what ${list} lists`, async () => {
        const names = Object.keys((await import(join(root, directory, source))) as object).sort();
        await expect(names.map((each) => `${each}\n`).join('')).toMatchFileSnapshot(join(root, directory, list));
      });
    }
  });
}
