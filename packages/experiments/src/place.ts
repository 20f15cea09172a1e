// What other packages find wrong with a part of a file, with the place of that part.

import { ConfigError, isSympowError } from '@sympow/kernels';

/** Runs `body`; typed errors become those of a place in a file. */
export async function atPlace<R>(place: string, body: () => R | Promise<R>): Promise<R> {
  try {
    return await body();
  } catch (cause) {
    throw placed(place, cause);
  }
}

/** As {@link atPlace}, at once. */
export function atPlaceNow<R>(place: string, body: () => R): R {
  try {
    return body();
  } catch (cause) {
    throw placed(place, cause);
  }
}

function placed(place: string, cause: unknown): unknown {
  if (!isSympowError(cause)) return cause;
  const message = `${place}: ${cause.message.split('; expected ')[0]}`;
  const { value, expected, remedy } = cause;
  return new ConfigError({ what: place, value, message, expected, ...(remedy !== undefined && { remedy }), cause });
}
