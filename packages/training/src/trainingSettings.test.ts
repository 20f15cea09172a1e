// The README's table of settings is made of the rows. After a change: `pnpm vitest run -u --project training trainingSettings`.
import type { Setting } from '@sympow/core';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { expect, it } from 'vitest';
import { trainingSettings } from './trainingSettings';

const readme = new URL('../README.md', import.meta.url);
const bounds = /(?<=<!-- settings -->\n)[^]*(?=<!-- \/settings -->)/;
const rows: readonly (readonly [string, Setting])[] = Object.entries(trainingSettings);

function table(): string {
  const lines = rows.map(([key, { default: usual, flag, check, says }]) => {
    const shown = usual === undefined ? '' : `\`${usual as string | number}\``;
    return `| \`${key}\` | ${flag ? `\`${flag.words}\`` : ''} | ${shown} | ${says}; ${check.expected} |`;
  });
  return ['| Setting | Flag | Default | What |', '| --- | --- | --- | --- |', ...lines].join('\n');
}

it('the settings of a run are what the README shows', async () => {
  const text = readFileSync(readme, 'utf8');
  const options = { ...(await resolveConfig(readme)), parser: 'markdown' };
  const expected = `\n${await format(table(), options)}\n`;
  await expect(text.replace(bounds, () => expected)).toMatchFileSnapshot(fileURLToPath(readme));
});

it.each(rows)(
  '%s: the default passes its own check, and nothing that is no number does',
  (_, { default: usual, check }) => {
    if (usual !== undefined) expect(check.holds(usual)).toBe(true);
    for (const other of [undefined, null, NaN, '', '1', {}, [1], true])
      expect(check.holds(other), JSON.stringify(other)).toBe(false);
  },
);
