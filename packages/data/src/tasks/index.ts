// The tasks by name, for those who name them in a file or on a command line.
import { ConfigError } from '@sympow/core';
import type { Task, TaskMaterial } from './api';
import { copy } from './copy';
import { induction } from './induction';
import { passkey } from './passkey';
import { recall } from './recall';

/** One line per task. Options are checked by the task. */
const tasks: Readonly<Record<string, (options: object, material: TaskMaterial) => Task>> = {
  recall: (options) => recall(options),
  passkey: (options, material) => passkey(options, material),
  copy: (options) => copy(options),
  induction: (options) => induction(options),
};

/** The names that `openTask` knows. */
export const taskNames: readonly string[] = Object.keys(tasks);

/**
 * A task by its name.
 *
 * @param options - those of the task, as they would stand in a file
 * @param material - what tasks of text are made with
 * @throws ConfigError for a name that is not in `taskNames`, or an option out of range
 *
 * @example
 * ```ts
 * const task = openTask('recall', { pairs: 16 });
 * ```
 */
export function openTask(name: string, options: object = {}, material: TaskMaterial = {}): Task {
  const make = Object.hasOwn(tasks, name) ? tasks[name] : undefined;
  if (!make) throw new ConfigError({ what: 'task', value: name, expected: `one of ${taskNames.join(', ')}` });
  return make(options, material);
}
