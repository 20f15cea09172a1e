// What a command is made of. Adding one is a file in commands/ and its line in commands/index.ts.

import type { Command as CommanderCommand } from 'commander';
import { UsageError } from './failure';

export interface Command {
  /** One word, or two where commands about one thing stand together: `data info`. */
  readonly name: string;
  readonly description: string;
  /** Whole commands that do something for somebody who has what is said before: two, as a rule. */
  readonly examples?: readonly string[];
  /** Adds arguments, options and help; --seed, --json and --debug are there already. */
  options(command: CommanderCommand): void;
  run(args: readonly unknown[], options: Record<string, unknown>): Promise<void>;
}

/** Reads a whole number of at least `least`: for commander's options. */
export function whole(name: string, least = 1): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isSafeInteger(value) && value >= least && text.trim() !== '') return value;
    throw new UsageError({ what: name, value: text, expected: `a whole number of at least ${least}` });
  };
}

/** Reads a number. */
export function real(name: string, holds: (value: number) => boolean, expected: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && holds(value)) return value;
    throw new UsageError({ what: name, value: text, expected });
  };
}

/** Reads one of several words. */
export function oneOf<W extends string>(name: string, words: readonly W[]): (text: string) => W {
  return (text) => {
    if ((words as readonly string[]).includes(text)) return text as W;
    throw new UsageError({ what: name, value: text, expected: `one of ${words.join(', ')}` });
  };
}

/** Reads text that is not empty: what a variable of the shell that is not set comes to is a mistake. */
export function some(name: string, expected: string): (text: string) => string {
  return (text) => {
    if (text !== '') return text;
    throw new UsageError({ what: name, value: text, message: `${name} is empty`, expected });
  };
}
