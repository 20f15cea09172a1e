#!/usr/bin/env node
// The command line: reads the arguments, hands them to a command, and turns errors into one line and an exit code.

import { readFileSync } from 'node:fs';
import { CommanderError } from 'commander';
import { commands } from './commands';
import { exitCodeOf, explain } from './failure';
import { createProgram } from './program';
import { dropWhatIsLost, reportLoss } from './streams';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const program = createProgram(commands, version, (command, args, options) => command.run(args, options));

dropWhatIsLost();
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
await reportLoss();
