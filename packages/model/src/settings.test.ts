// The README's table of settings is made of the rows. After a change: `pnpm vitest run -u --project model settings`.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { describe, expect, it } from 'vitest';
import { configFromJson, configToJson, modelConfig } from './config';
import { modelSettings, type ModelSetting } from './settings';

const readme = new URL('../README.md', import.meta.url);
const bounds = /(?<=<!-- settings -->\n)[^]*(?=<!-- \/settings -->)/;
const rows: readonly (readonly [string, ModelSetting])[] = Object.entries(modelSettings);

function table(): string {
  const lines = rows.map(([key, { json, default: usual, flag, check, says }]) => {
    const words = check.choices && !says.includes(check.choices[0]!) ? `${says}: ${check.choices.join(', ')}` : says;
    const shown = usual === undefined ? '' : `\`${JSON.stringify(usual).replaceAll('"', '')}\``;
    return `| \`${key}\` | \`${json}\` | ${flag ? `\`${flag.words}\`` : ''} | ${shown} | ${words} |`;
  });
  return ['| Setting | `config.json` | Flag | Default | What |', '| --- | --- | --- | --- | --- |', ...lines].join(
    '\n',
  );
}

describe('the settings of a model', () => {
  it('are what the README shows', async () => {
    const text = readFileSync(readme, 'utf8');
    const options = { ...(await resolveConfig(readme)), parser: 'markdown' };
    const expected = `\n${await format(table(), options)}\n`;
    await expect(text.replace(bounds, () => expected)).toMatchFileSnapshot(fileURLToPath(readme));
  });

  it.each(rows)(
    '%s: the default passes its own check, and nothing that is no setting does',
    (_, { default: usual, check }) => {
      if (usual !== undefined && check.kind !== 'choice') expect(check.holds(usual)).toBe(true);
      if (check.choices && typeof usual === 'string') expect(check.choices).toContain(usual);
      const others = [
        undefined,
        null,
        NaN,
        '',
        ...(check.kind === 'choice' && typeof usual === 'string' ? [] : [{}, []]),
      ];
      for (const other of others) expect(check.holds(other), JSON.stringify(other)).toBe(false);
    },
  );

  it('have names of their own in files and on a command line', () => {
    const named = rows.map(([, { json }]) => json);
    const flags = rows.flatMap(([, { flag }]) => (flag ? [flag.words.split(' ')[0]] : []));
    expect(new Set(named).size).toBe(rows.length);
    expect(new Set(flags).size).toBe(flags.length);
  });

  it('come back from config.json, those that came later only where they are not as usual', () => {
    const plain = modelConfig();
    const later = rows.flatMap(([, { later: came, json }]) => (came ? [json] : []));
    expect(later.filter((name) => name in configToJson(plain))).toEqual([]);
    const ropeScaling = { kind: 'linear', factor: 2 } as const;
    const other = modelConfig({ slidingWindow: 7, ropeTheta: 5, ropeScaling, states: 'float16' });
    expect(later.filter((name) => name in configToJson(other))).toEqual(later);
    for (const config of [plain, other])
      expect(configFromJson(JSON.parse(JSON.stringify(configToJson(config))))).toEqual(config);
  });
});
