import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { trialOf } from './flagTrial';

const folder = mkdtempSync(join(tmpdir(), 'sympow-trial-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A program that notes that it was run, then does what `source` says. */
function program(name: string, source: string) {
  const path = join(folder, `${name}.mjs`);
  const log = join(folder, `${name}.log`);
  const note = `import { appendFileSync } from 'node:fs';\nappendFileSync(${JSON.stringify(log)}, 'x');\n`;
  writeFileSync(path, note + source);
  return { path, runs: () => readFileSync(log, 'utf8').length };
}

describe('the trial of a V8 flag', () => {
  it.each([
    ['crashed', 'process.kill(process.pid, "SIGTRAP"); await new Promise(() => setTimeout(() => {}, 9e9));', false],
    ['ended well', '', true],
  ])('that %s is not repeated with this engine, and is with another', async (name, source, survived) => {
    const { path, runs } = program(name, source);
    const place = join(folder, 'cache', name);
    for (const engine of ['node-1', 'node-1', 'node-2']) {
      expect(await trialOf({ folder: place, engine, program: path })).toMatchObject({ survived });
    }
    expect(runs()).toBe(2);
    expect(readdirSync(place).sort()).toEqual(['try-v8-flags-node-1.json', 'try-v8-flags-node-2.json']);
  });

  it.each([
    ['an error', 'process.exit(1);', /ended: code 1/],
    ['Ctrl-C', 'process.kill(process.pid, "SIGINT"); await new Promise(() => setTimeout(() => {}, 9e9));', /SIGINT/],
  ])('that %s ended is made again: it says nothing about the engine', async (name, source, reason) => {
    const { path, runs } = program(name, source);
    const options = { folder: join(folder, 'cache', name), engine: 'node-1', program: path };
    for (const _ of [1, 2]) {
      const trial = await trialOf(options);
      expect(trial.survived).toBe(false);
      expect(trial.reason).toMatch(reason);
    }
    expect(runs()).toBe(2);
  });

  it('is made again where what is remembered is damaged', async () => {
    const { path } = program('damaged', '');
    const place = join(folder, 'cache', 'damaged');
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'try-v8-flags-node-1.json'), '{"survived":');
    expect(await trialOf({ folder: place, engine: 'node-1', program: path })).toMatchObject({ survived: true });
    expect(readFileSync(join(place, 'try-v8-flags-node-1.json'), 'utf8')).toContain('true');
  });

  it('is no worse off where nothing can be remembered', async () => {
    const { path, runs } = program('nowhere', '');
    for (const place of [join(path, 'x'), '/proc/nowhere']) {
      expect(await trialOf({ folder: place, engine: 'node-1', program: path })).toMatchObject({
        survived: true,
      });
    }
    expect(runs()).toBe(2);
  });
});
