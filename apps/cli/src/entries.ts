// Gates, phases and kinds of attention of a person's own, from a module on disk.

import { messageOf } from '@sympow/core';
import type { ModelEntries } from '@sympow/model';
import { gates, kinds, phases } from '@sympow/recurrence';
import type { Command } from 'commander';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { some } from './command';
import { UsageError } from './failure';

export interface EntryFlags {
  /** The path of a module. */
  readonly entries?: string;
}

/** What is there without it, by the names of the lists. */
const builtIn = { gates, phases, kinds } as const satisfies Required<ModelEntries>;
const lists = Object.keys(builtIn) as (keyof ModelEntries)[];

/** Adds the option that names a module. */
export function withEntries(command: Command): Command {
  return command
    .optionsGroup('Entries:')
    .option(
      '--entries <module>',
      'entries of your own: a JavaScript module that exports lists gates, phases or kinds',
      some('--entries', 'a JavaScript module'),
    );
}

/**
 * The entries of the module that was named; none where none was.
 *
 * @throws UsageError if it cannot be loaded, exports none of the lists, or calls an entry as another is called
 */
export async function openEntries({ entries: path }: EntryFlags): Promise<ModelEntries> {
  if (path === undefined) return {};
  const module = await load(path);
  if (!lists.some((list) => list in module)) {
    throw new UsageError({
      what: `--entries ${path}`,
      value: Object.keys(module).join(', '),
      message: `${path} exports ${Object.keys(module).join(', ') || 'nothing'}`,
      expected: `a list called ${lists.join(' or ')}`,
    });
  }
  for (const list of lists) requireEntries(module[list] ?? [], builtIn[list], `${list} of ${path}`);
  return Object.fromEntries(lists.flatMap((list) => (list in module ? [[list, module[list]]] : [])));
}

async function load(path: string): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(resolve(path)).href)) as Record<string, unknown>;
  } catch (cause) {
    const message = `cannot load ${path} (${messageOf(cause)})`;
    throw new UsageError({ what: '--entries', value: path, message, expected: 'a JavaScript module', cause });
  }
}

function requireEntries(given: unknown, others: readonly { readonly name: string }[], what: string): void {
  if (!Array.isArray(given)) throw new UsageError({ what, value: given, expected: 'a list of entries' });
  const taken = new Set(others.map(({ name }) => name));
  for (const entry of given as unknown[]) {
    const { name, says } = (entry ?? {}) as { name?: unknown; says?: unknown };
    if (typeof name !== 'string' || name === '' || typeof says !== 'string') {
      throw new UsageError({ what: `an entry of ${what}`, value: entry, expected: 'an object with name and says' });
    }
    if (!taken.has(name)) taken.add(name);
    else throw new UsageError({ what: `a name in ${what}`, value: name, expected: 'one that no other entry has' });
  }
}
