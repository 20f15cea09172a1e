/** What the rules of the contract are stated with. */

/** Codes of the errors that a backend may throw on purpose. */
export type Code = 'SHAPE' | 'CONFIG' | 'BACKEND' | 'OUT_OF_MEMORY';

/** @throws Error unless `fact` holds */
export function holds(fact: boolean, otherwise: string): asserts fact {
  if (!fact) throw new Error(otherwise);
}

export function equal(actual: unknown, expected: unknown, what: string): void {
  holds(Object.is(actual, expected), `${what} is ${String(actual)}, not ${String(expected)}`);
}

export function sameNumbers(actual: ArrayLike<number>, expected: ArrayLike<number>, what: string): void {
  const same = actual.length === expected.length && Array.from(actual).every((x, i) => Object.is(x, expected[i]));
  holds(same, `${what} holds ${Array.from(actual).join(', ')}, not ${Array.from(expected).join(', ')}`);
}

/** @throws Error unless `body` throws, or rejects with, an error of that code */
export async function refuses(code: Code, body: () => unknown): Promise<void> {
  let thrown: unknown;
  try {
    await body();
  } catch (error) {
    thrown = error;
  }
  holds(thrown !== undefined, `nothing was thrown, expected an error with code ${code}`);
  const { code: actual, message } = thrown as { code?: string; message?: string };
  holds(actual === code, `thrown was "${message}" with code ${actual}, expected code ${code}`);
}
