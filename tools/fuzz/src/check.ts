// Runs a target over inputs in this process. What it throws must be typed, no promise may be left alone, and no input may
// take more memory than there is for all.
import { SympowError } from '@sympow/kernels';
import fc from 'fast-check';
import type { Target } from './target';

export interface CheckOptions {
  readonly seed: number;
  readonly inputs: number;
  /** Where fast-check goes on: the number of an input, and how it was shrunk. */
  readonly path?: string | undefined;
  /** Most MiB that the process may have taken. */
  readonly memory: number;
  /** Told the number of each input before it is read; of those that are made smaller, that of the one they come from. */
  readonly before?: (run: number) => void;
}

/** What went wrong, and with what. */
export interface Failure {
  readonly reason: string;
  /** The smallest input that was found, as source text. */
  readonly input: string;
  readonly path: string;
}

/** What came of the inputs. */
export interface Checked {
  /** How many were read without an error: where there are none, nothing behind the first checks was tried. */
  readonly sound: number;
  readonly failure?: Failure | undefined;
}

/** Reads all inputs, up to the first that goes wrong, and that one made as small as can be. */
export async function check(target: Target, options: CheckOptions): Promise<Checked> {
  const { seed, inputs, path, memory, before } = options;
  let left: unknown;
  const leave = (reason: unknown) => void (left = reason ?? 'nothing');
  process.on('unhandledRejection', leave);
  process.on('uncaughtException', leave);
  let run = -1;
  let sound = 0;
  let found = false;
  const property = fc.asyncProperty(target.inputs, async (input) => {
    if (!found) before?.(++run);
    try {
      await read(input);
    } catch (error) {
      found = true;
      throw error;
    }
  });
  const read = async (input: unknown) => {
    try {
      await target.run(input);
      sound++;
    } catch (error) {
      if (!(error instanceof SympowError)) throw error;
    }
    // What was left alone is known a turn later.
    await new Promise((resolve) => setImmediate(resolve));
    if (left !== undefined) {
      const reason = left;
      left = undefined;
      throw new Error('a promise was left alone', { cause: reason });
    }
    const taken = process.resourceUsage().maxRSS / 1024;
    if (taken > memory) throw new Error(`the process has taken ${Math.ceil(taken)} MiB, more than ${memory}`);
  };
  try {
    const result = await fc.check(property, { seed, numRuns: inputs, ...(path !== undefined && { path }) });
    if (!result.failed) return { sound };
    const { counterexample, counterexamplePath, errorInstance } = result;
    const input = fc.stringify(counterexample?.[0]);
    return { sound, failure: { reason: reasonOf(errorInstance), input, path: counterexamplePath ?? '' } };
  } finally {
    process.off('unhandledRejection', leave);
    process.off('uncaughtException', leave);
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return `it threw ${fc.stringify(error)}`;
  const cause = error.cause === undefined ? '' : `\ncaused by ${reasonOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
