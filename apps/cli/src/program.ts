// The command line as commander sees it: every command with its options in groups, its help, and errors in one line.

import { Command, Help } from 'commander';
import { whole, type Command as OwnCommand } from './command';
import { ownRank } from './ranks';

/**
 * The program over some commands.
 *
 * @param run - carries a command out
 * @param columns - of the terminal that shows help
 * @throws CommanderError from `parseAsync`, as for a mistake that it has reported, so for `--help` and `--version`
 */
export function createProgram(
  commands: readonly OwnCommand[],
  version: string,
  run: (command: OwnCommand, args: readonly unknown[], options: Record<string, unknown>) => Promise<void>,
  columns = process.stdout.columns || 100,
): Command {
  const program = new Command('sympow')
    .description('Train, evaluate and run conformal symmetric power transformers (arXiv 2503.03269).')
    .version(version)
    .exitOverride()
    .configureHelp({
      helpWidth: Math.min(columns, 110),
      // Without "[options]", which all of them take: commander wraps no description that has less than 40 columns.
      subcommandTerm: (command) => Help.prototype.subcommandTerm(command).replace(' [options]', ''),
      optionDescription: (option) => (option.mandatory ? 'required: ' : '') + Help.prototype.optionDescription(option),
    });
  inOneLine(program, 'sympow');

  /** Commands of two words, under the first of them. */
  const families = new Map<string, Command>();
  const familyOf = (name: string): Command => {
    const family = families.get(name) ?? inOneLine(program.command(name), `sympow ${name}`);
    families.set(name, family);
    const words = commands.flatMap((command) => (command.name.startsWith(`${name} `) ? [command.name] : []));
    return family.description(words.join(', '));
  };

  for (const command of commands) {
    const [first, second] = command.name.split(' ') as [string, string?];
    const parent = second === undefined ? program : familyOf(first);
    const own = inOneLine(parent.command(second ?? first), `sympow ${command.name}`).description(command.description);
    command.options(own);
    own
      .optionsGroup('General:')
      .option('--seed <number>', 'seed of everything random', whole('--seed', 0), 0)
      .option('--json', 'print one JSON object as the last line of standard output, all else to standard error')
      .option('--debug', 'show the stack of an error')
      .helpOption('-h, --help', 'show this')
      .usage(usageOf(own));
    if (command.examples)
      own.addHelpText('after', `\nExamples:\n${command.examples.map((each) => `  ${each}\n`).join('')}`);
    // Commander passes the positional arguments, then the options, then the command.
    own.action((...args: unknown[]) => run(command, args.slice(0, -2), args.at(-2) as Record<string, unknown>));
  }
  return program;
}

/** What has to be given, before what may be. */
function usageOf({ registeredArguments, options }: Command): string {
  const positional = registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return [...positional, ...options.filter(({ mandatory }) => mandatory).map(({ flags }) => flags), '[options]'].join(
    ' ',
  );
}

/** Has a mistake answered in one line, which says where the help is; the help itself would push it out of sight. */
function inOneLine(command: Command, words: string): Command {
  return command.configureOutput({
    outputError: (text, write) => {
      // Of several processes with one mistake, one says so; main.ts sees to the others.
      if (ownRank() !== 0) return;
      const line = text
        .trim()
        .replace(/^error: /, '')
        .replace(/\s*\n\s*/g, ' ');
      write(`sympow: ${line.replace(/[.)]?$/, (end) => end || '.')} See ${words} --help.\n`);
    },
  });
}
