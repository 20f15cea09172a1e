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
  return lines.filter((line) => /^(pnpm )?sympow /.test(line)).map((line) => line.replace(/^pnpm /, ''));
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
