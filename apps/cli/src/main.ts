#!/usr/bin/env node
// The command line: reads the arguments, hands them to a command, and turns errors into one line and an exit code.

import { CommanderError } from 'commander';
import { commands } from './commands';
import { exitCodeOf, explain } from './failure';
import { createProgram } from './program';
import { ownVersion, turnToTell } from './ranks';
import { dropWhatIsLost, reportLoss } from './streams';

const program = createProgram(commands, ownVersion(), (command, args, options) => command.run(args, options));

dropWhatIsLost();
try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    const place = error.exitCode === 0 ? '' : await turnToTell();
    if (place) process.stderr.write(`sympow: ${place}${error.message.replace(/\s*\n\s*/g, ' ')}\n`);
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else {
    const place = await turnToTell();
    process.stderr.write(
      `${explain(error, process.argv.includes('--debug')).replace(/^sympow: /, (name) => name + place)}\n`,
    );
    process.exitCode = exitCodeOf(error);
  }
}
await reportLoss();
