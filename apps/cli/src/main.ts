#!/usr/bin/env node
// The command line: reads the arguments and hands them to a command. Nothing is computed here.

const [command] = process.argv.slice(2);
process.stderr.write(`sympow: there is no command '${command ?? ''}' yet\n`);
process.exitCode = 2;
