import type { Command } from 'commander';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { commands } from './commands';
import { createProgram } from './program';

/** The command that a line calls, and what it was given. */
async function parsed(line: string) {
  const calls: { name: string; options: Record<string, unknown> }[] = [];
  const program = createProgram(commands, '1.2.3', async ({ name }, _, options) => void calls.push({ name, options }));
  const words = line
    .replace(/ #.*/, '')
    .replace(/^[^|]*\| /, '')
    .match(/"[^"]*"|\S+/g)!
    .map((word) => word.replaceAll('"', ''));
  await program.parseAsync(words.slice(1), { from: 'user' });
  return calls;
}

function helpOf(name: string): string {
  const program = createProgram(commands, '1.2.3', async () => undefined);
  return name
    .split(' ')
    .reduce((command, word) => command.commands.find((each) => each.name() === word)!, program)
    .helpInformation();
}

describe('help', () => {
  it('of train names what is required, and has its options in groups', () => {
    const help = helpOf('train');
    expect(help).toMatch(/^Usage: sympow train <data...> --out <folder> \[options\]/);
    expect(help).toMatch(/--out <folder> +required: /);
    const headings = [...help.matchAll(/^(\w+):$/gm)].map(([, heading]) => heading);
    expect(headings).toEqual(['Arguments', 'Run', 'Data', 'Training', 'Model', 'Entries', 'Computing', 'General']);
  });

  it.each(commands.filter(({ examples }) => examples).map(({ name, examples }) => ({ name, examples })))(
    'of $name has two examples or more, which it takes as they are',
    async ({ name, examples }) => {
      expect(examples!.length).toBeGreaterThanOrEqual(2);
      for (const example of examples!) expect(await parsed(example)).toMatchObject([{ name }]);
    },
  );

  it('fits into a terminal of 80 columns', async () => {
    const shown: string[] = [];
    for (const name of ['', ...commands.map((command) => command.name)]) {
      const program = createProgram(commands, '1.2.3', async () => undefined, 80);
      const writeOut = (text: string) => void shown.push(...text.split('\n'));
      const quiet = (command: Command): void => {
        command.configureOutput({ writeOut });
        command.commands.forEach(quiet);
      };
      quiet(program);
      await expect(
        program.parseAsync([...name.split(' '), '--help'].filter(Boolean), { from: 'user' }),
      ).rejects.toThrow();
    }
    expect(shown.length).toBeGreaterThan(100);
    expect(shown.filter((line) => line.length > 80)).toEqual([]);
  });

  it('has examples for every command', () => {
    expect(commands.filter(({ examples }) => !examples)).toEqual([]);
  });
});

/** The lines of a README that call this program. */
function linesOf(readme: URL): string[] {
  const shell = [...readFileSync(readme, 'utf8').matchAll(/^```sh\n([^]*?)^```/gm)].map(([, block]) => block!).join('');
  const text = /^text=(\S+)/m.exec(shell)?.[1] ?? '';
  const lines = shell.split('\n').map((line) =>
    line
      .replace(/ #.*/, '')
      .replace(/<\(.*?\)/, '/dev/fd/63')
      .replaceAll('$text', text)
      .trim(),
  );
  return lines
    .map((line) => line.replace(/^npm run -s sympow -- /, 'sympow '))
    .filter((line) => line.startsWith('sympow '));
}

describe('the commands that READMEs print', () => {
  const root = new URL('../../../', import.meta.url);

  it.each([...linesOf(new URL('README.md', root)), ...linesOf(new URL('apps/cli/README.md', root))])(
    '%s: is taken as it is',
    async (line) => expect(await parsed(line)).toHaveLength(1),
  );

  it('name files that a clone has, once its packages are installed', () => {
    const words = linesOf(new URL('README.md', root)).flatMap((line) => line.split(/\s+/));
    const files = words.filter((word) => /^(node_modules|docs)\//.test(word));
    expect(files.length).toBeGreaterThan(2);
    for (const file of files) expect(existsSync(new URL(file, root))).toBe(true);
  });
});
