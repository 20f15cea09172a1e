/** The backend to compute on, and whether it is ours to close. */

import { openBackend } from '@sympow/backends';
import type { Backend } from '@sympow/kernels';

/** A backend that is open, or the name of one: `auto` (the default) is the fastest that runs here. */
export interface BackendChoice {
  readonly backend?: Backend | string | undefined;
}

/** Runs `use` on the backend; one that was opened here is closed again when `use` fails. */
export async function onBackend<Result>(
  { backend = 'auto' }: BackendChoice,
  use: (backend: Backend, owned: Backend | undefined) => Promise<Result>,
): Promise<Result> {
  if (typeof backend !== 'string') return use(backend, undefined);
  const { backend: owned } = await openBackend(backend);
  try {
    return await use(owned, owned);
  } catch (error) {
    await owned.close();
    throw error;
  }
}
