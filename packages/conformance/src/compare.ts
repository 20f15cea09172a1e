/** How far two sets of numbers are apart. */

import type { Deviation } from './api';

type Data = ArrayLike<number>;

/** What is compared: most outputs as they are, a few by what they mean. */
export function meaning(kernel: string, output: string, data: Data): { data: Data; circular: boolean } {
  const circular = kernel === 'phaseSum' || output === 'last';
  if (output !== 'A' && output !== 'last') return { data, circular };
  // Two planes whose sum is the value.
  const size = data.length / 2;
  return { data: Float64Array.from({ length: size }, (_, i) => data[i]! + data[i + size]!), circular };
}

/** Difference of two phases in turns, where −½ and ½ are the same. */
const around = (turns: number): number => turns - Math.round(turns);

export interface CompareOptions {
  readonly output: string;
  /** Bound on the relative error; the largest single error may be eight times that. */
  readonly tolerance: number;
  /** Size of terms that cancel; see `KernelCase.floor`. */
  readonly floor?: number | undefined;
  /** Phases: compared modulo 1, and their errors are absolute. */
  readonly circular?: boolean | undefined;
  /** The distance of two neighbours around 0, where that is more than nothing. */
  readonly step?: number | undefined;
  /** Where the definition has no number anything will do; see `KernelCase.poisoned`. */
  readonly poisoned?: boolean | undefined;
}

/** Devices may take a float32 below this for 0. */
const smallestNormal = 2 ** -126;

/** How many times the tolerance a single number may be off, relative to the largest one. */
const peak = 8;

/** Holds `actual` to `expected`: the same NaN, the same infinities, and finite numbers within the tolerance. */
export function compare(actual: Data, expected: Data, options: CompareOptions): Deviation {
  const { output, tolerance, floor = 0, circular = false, poisoned = false, step = 0 } = options;
  let [error, norm, largestError, largest, count] = [0, 0, 0, 0, 0];
  let complaint: string | undefined;
  if (actual.length !== expected.length) complaint = `${output} has ${actual.length} numbers, not ${expected.length}`;
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [actual[i]!, expected[i]!];
    if (poisoned && !Number.isFinite(b)) continue;
    if (!Number.isFinite(a) || !Number.isFinite(b)) {
      if (!Object.is(a, b)) complaint ??= `${output}[${i}] is ${a}, not ${b}`;
      continue;
    }
    const difference = circular ? around(a - b) : a - b;
    const off = Math.abs(difference) < smallestNormal || Math.abs(difference) <= step ? 0 : difference;
    const size = circular ? 1 : b;
    error += off * off;
    norm += size * size;
    largestError = Math.max(largestError, Math.abs(off));
    largest = Math.max(largest, Math.abs(size));
    count++;
  }
  const relative = error === 0 ? 0 : Math.sqrt(error) / Math.max(Math.sqrt(norm), floor * Math.sqrt(count));
  const single = largestError === 0 ? 0 : largestError / Math.max(largest, floor);
  if (relative > tolerance)
    complaint ??= `${output} is off by ${show(relative)} (relative RMS), allowed ${show(tolerance)}`;
  if (single > peak * tolerance) {
    complaint ??= `${output} is off by ${show(single)} in one place, allowed ${show(peak * tolerance)}`;
  }
  return { output, relative, largest: single, tolerance, complaint };
}

const show = (x: number): string => x.toExponential(1);
