/** The first backend of a list that can run here. */

import { isSympowError } from '@sympow/core';
import type { Backend, BackendFactory } from './api';
import { BackendError, ConfigError } from './errors';

/** A backend chosen by {@link firstAvailable}, with what became of the others. */
export interface Choice {
  readonly backend: Backend;
  /** The factories tried before it, each with its reason. */
  readonly refused: readonly { readonly name: string; readonly reason: string }[];
}

/**
 * A factory that opens the first of `factories` that can run here, in the order given.
 *
 * @throws ConfigError for an empty list
 * @example
 * ```ts
 * import { firstAvailable, js } from '@sympow/kernels';
 * const factory = firstAvailable([js()]);
 * const { backend, refused } = await factory.choose(); // or `open()` for the backend alone
 * console.log(backend.name, refused); // js []
 * ```
 */
export function firstAvailable(factories: readonly BackendFactory[]): BackendFactory & { choose(): Promise<Choice> } {
  if (factories.length === 0) {
    throw new ConfigError({ what: 'the list of backends', value: 'empty', expected: 'at least one factory' });
  }
  const choose = async (): Promise<Choice> => {
    const refused: { name: string; reason: string }[] = [];
    for (const factory of factories) {
      try {
        return { backend: await factory.open(), refused };
      } catch (error) {
        if (!isSympowError(error, 'BACKEND')) throw error;
        refused.push({ name: factory.name, reason: error.message });
      }
    }
    throw new BackendError({
      what: 'the backend',
      value: 'none',
      message: `none of ${factories.map(({ name }) => name).join(', ')} can run here (${refused.map(({ name, reason }) => `${name}: ${reason}`).join(' ')})`,
      expected: 'one that can',
      remedy: 'Add js(), which runs everywhere.',
    });
  };
  return { name: factories.map(({ name }) => name).join('|'), choose, open: async () => (await choose()).backend };
}
