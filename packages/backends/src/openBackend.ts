// Opening a backend by name, or the first that runs here.
import { ConfigError } from '@sympow/core';
import { firstAvailable } from '@sympow/kernels';
import type { BackendEntry, OpenedBackend, OpenOptions } from './api';
import { backends } from './backends';

/** What {@link openBackend} chooses from. */
export interface ChooseOptions extends OpenOptions {
  /** The backends that there are, the best first; those of this package unless said otherwise. */
  readonly entries?: readonly BackendEntry[] | undefined;
}

/**
 * Opens a backend by name; `auto` takes the first that can run here.
 *
 * @throws ConfigError for a name that there is not
 * @throws BackendError that says why it cannot run here, and what to install where a package is missing
 * @example
 * ```ts
 * import { openBackend } from '@sympow/backends';
 * const { backend, name, refused } = await openBackend('js');
 * console.log(name, refused); // js []
 * await backend.close();
 * ```
 */
export async function openBackend(name = 'auto', options: ChooseOptions = {}): Promise<OpenedBackend> {
  const { entries = backends, ...rest } = options;
  if (name !== 'auto') return { backend: await entryOf(name, entries).make(rest, false).open(), name, refused: [] };
  const candidates = entries.filter(({ byNameAlone }) => !byNameAlone);
  const { backend, refused } = await firstAvailable(candidates.map((entry) => entry.make(rest, true))).choose();
  return { backend, name: candidates[refused.length]!.name, refused };
}

/**
 * The backend of this name, not opened yet.
 *
 * @throws ConfigError for a name that there is not
 */
export function entryOf(name: string, entries: readonly BackendEntry[] = backends): BackendEntry {
  const entry = entries.find((each) => each.name === name);
  if (entry) return entry;
  const expected = `auto or one of ${entries.map((each) => each.name).join(', ')}`;
  throw new ConfigError({ what: 'backend', value: name, expected });
}
