// Options of the command line from tables of settings, and the settings that they come to.

import type { Setting } from '@sympow/core';
import { Option, type Command } from 'commander';
import { UsageError } from './failure';

type Settings = Readonly<Record<string, Setting>>;

/** Adds an option for every setting that has a flag. */
export function withSettings(command: Command, settings: Settings): Command {
  for (const setting of Object.values(settings)) {
    const { check, flag } = setting;
    if (!flag) continue;
    const says = flag.says ?? setting.says;
    const [first = says] = check.choices ?? [];
    const words = says.includes(first) ? says : `${says}: ${check.choices!.join(', ')}`;
    if (!flag.words.includes('<')) command.option(flag.words, words);
    else command.option(flag.words, words, readerOf(setting), 'default' in flag ? flag.default : setting.default);
  }
  return command;
}

/** What the options say of settings: of those only that were given, or have a default. */
export function settingsOf(given: object, settings: Settings): Record<string, unknown> {
  const flags = given as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    Object.entries(settings).flatMap(([key, { flag }]) => {
      const value = flag && flags[new Option(flag.words).attributeName()];
      return value === undefined ? [] : [[key, flag?.sets ?? value]];
    }),
  );
}

function readerOf({ flag, check }: Setting): (text: string) => unknown {
  const [name] = flag!.words.split(' ');
  const { kind, choices, open, expected, holds } = check;
  return (text) => {
    const value = kind === 'whole' || kind === 'number' ? Number(text) : text;
    if (text.trim() !== '' && (open || (choices?.includes(text) ?? holds(value)))) return value;
    throw new UsageError({ what: name!, value: text, expected });
  };
}
