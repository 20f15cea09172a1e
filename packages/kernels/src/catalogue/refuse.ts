import { ShapeError } from '../errors';

/** How a rule of an entry refuses a call. */
export function refuse(what: string, value: unknown, expected: string): never {
  throw new ShapeError({ what, value, expected });
}
