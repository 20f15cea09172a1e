#!/usr/bin/env node
// The command line: reads the arguments, hands them to a command, and turns errors into one line and an exit code.

import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { commands } from './commands';
import { exitCodeOf, explain } from './failure';
import { tryFlag } from './v8Flags';
import { trialCommand } from './v8Trial';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const program = new Command('sympow')
  .description('Train, evaluate and run conformal symmetric power transformers (arXiv 2503.03269).')
  .version(version)
  .exitOverride()
  .showHelpAfterError('(sympow --help, or sympow COMMAND --help, lists what there is)')
  .configureHelp({ helpWidth: Math.min(process.stdout.columns || 100, 110) });

/** Commands of two words, under the first of them. */
const groups = new Map<string, Command>();

function groupOf(name: string): Command {
  const group = groups.get(name) ?? program.command(name).exitOverride().showHelpAfterError();
  groups.set(name, group);
  const words = commands.flatMap((command) => (command.name.startsWith(`${name} `) ? [command.name] : []));
  return group.description(words.join(', '));
}

for (const command of commands) {
  const [first, second] = command.name.split(' ') as [string, string?];
  const parent = second === undefined ? program : groupOf(first);
  const subcommand = parent
    .command(second ?? first)
    .description(command.description)
    .exitOverride()
    .showHelpAfterError();
  command.options(subcommand);
  subcommand.option('--seed <number>', 'seed of everything random', Number, 0);
  subcommand.option('--json', 'print one JSON object as the last line of standard output, all else to standard error');
  subcommand.option('--debug', 'show the stack of an error');
  subcommand.action(async (...args: unknown[]) => {
    // Commander passes the positional arguments, then the options, then the command.
    const options = args.at(-2) as Record<string, unknown>;
    await command.run(args.slice(0, -2), options);
  });
}

program.command(trialCommand, { hidden: true }).action(tryFlag);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else {
    process.stderr.write(`${explain(error, process.argv.includes('--debug'))}\n`);
    process.exitCode = exitCodeOf(error);
  }
}
