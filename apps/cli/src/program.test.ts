import { describe, expect, it } from 'vitest';
import { commands } from './commands';
import { createProgram } from './program';

/** The command that a line calls, and what it was given. */
async function parsed(line: string) {
  const calls: { name: string; options: Record<string, unknown> }[] = [];
  const program = createProgram(commands, '1.2.3', async ({ name }, _, options) => void calls.push({ name, options }));
  const words = line.match(/"[^"]*"|\S+/g)!.map((word) => word.replaceAll('"', ''));
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
    expect(headings).toEqual(['Arguments', 'Run', 'Data', 'Training', 'Model', 'Computing', 'General']);
  });

  it.each(commands.filter(({ examples }) => examples).map(({ name, examples }) => ({ name, examples })))(
    'of $name has two examples, which it takes as they are',
    async ({ name, examples }) => {
      expect(examples).toHaveLength(2);
      for (const example of examples!) expect(await parsed(example)).toMatchObject([{ name }]);
    },
  );

  it('has examples for every command', () => {
    expect(commands.filter(({ examples }) => !examples)).toEqual([]);
  });
});
