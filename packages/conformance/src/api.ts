/** What the suite is made of: numbers, cases, and what becomes of a case on a backend. */

import type { Backend, BackendFactory, Kernels, Shape } from '@sympow/kernels';

/** Host-side contents of a tensor, already rounded to the float type of the backend under test. */
export interface Numbers {
  readonly shape: Shape;
  /** An Int32Array becomes an int32 tensor, a Float64Array one of the backend's float type. */
  readonly data: Float64Array | Int32Array;
}

/** One argument of a kernel, with {@link Numbers} where the kernel takes a tensor. */
export type CaseArgument =
  | Numbers
  | readonly Numbers[]
  | { readonly A: Numbers; readonly start: Numbers }
  | readonly number[]
  | number
  | boolean
  | string
  | undefined;

/** Arguments by name. Numbers under the name of an output are what it holds before the call; otherwise it holds NaN. */
export type CaseArguments = Readonly<Record<string, CaseArgument>>;

/** How a kernel is called, beside its arguments. */
export interface Call {
  readonly kernel: keyof Kernels;
  /** Shapes of outputs that do not follow from the inputs. */
  readonly shapes?: Readonly<Record<string, Shape>> | undefined;
  /** Optional outputs that are left out. All others are asked for. */
  readonly without?: readonly string[] | undefined;
  /** Outputs that are the same tensor as an input. */
  readonly alias?: Readonly<Record<string, string>> | undefined;
}

/** A case that a backend is excused from. Skips are shown as skipped tests and counted in the feature table. */
export interface Skip {
  readonly kernel: keyof Kernels;
  /** Name of the case; all cases of the kernel where absent. */
  readonly case?: string | undefined;
  readonly reason: string;
  /** ISO date on which the skip was added. */
  readonly since: string;
}

/** How far one output is from the definition. */
export interface Deviation {
  readonly output: string;
  /** ‖a − b‖ / ‖b‖ over the output, b the definition. */
  readonly relative: number;
  /** max |a − b| / max |b|. */
  readonly largest: number;
  readonly tolerance: number;
  /** Why the output fails, if it does. */
  readonly complaint?: string | undefined;
}

/** Result of one case on one backend. */
export interface CaseResult {
  readonly kernel: keyof Kernels;
  readonly name: string;
  readonly deviations: readonly Deviation[];
  /** Everything that is wrong; empty when the case passed. */
  readonly complaints: readonly string[];
}

/** A rule of the contract that is not about the numbers of one kernel. */
export interface ContractCheck {
  readonly group: string;
  readonly name: string;
  /** @throws Error that says what was broken */
  readonly run: (subject: Subject) => Promise<void>;
}

/** A backend under test, and how to get another one of its kind. */
export interface Subject {
  readonly backend: Backend;
  readonly factory: BackendFactory;
}

/** The two functions of a test runner that the suite needs: those of Vitest, `node:test`, Mocha, Jest and Bun fit. */
export interface TestRunner {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: ((name: string, body: () => Promise<void>) => unknown) & {
    readonly skip: (name: string, body: () => Promise<void>) => unknown;
  };
}

/** What a backend rounds beyond its float type. */
export interface Precision {
  /**
   * The most that operands of products are off by, relative to each, where a backend rounds them before it multiplies: `roundoff.float16`
   * for halves, 2⁻²⁰ for the sum of two. Kernels that multiply may then be off by twice that and by four times what rounding their
   * inputs does by the definition. 0 unless given.
   */
  readonly operandRoundoff?: number | undefined;
}

/** Options of `describeBackend`. */
export interface DescribeOptions extends TestRunner, Precision {
  readonly skips?: readonly Skip[] | undefined;
  /**
   * Runs one in so many cases of each kernel, from the first on; 1, all of them, unless given. For where a case is dear and all
   * of them run at another time: a software GPU in a browser takes a third of a second for each.
   */
  readonly every?: number | undefined;
}

/** One kernel on one backend. */
export interface FeatureRow {
  readonly kernel: keyof Kernels;
  /** `partial`: all but the skipped cases passed; `failed`: wrong numbers; `error`: a case threw. */
  readonly status: 'passed' | 'partial' | 'failed' | 'error';
  readonly cases: number;
  readonly passed: number;
  readonly skipped: number;
  /** Largest relative error of any output in any case. */
  readonly worst: number;
  /** One line per case that did not pass. */
  readonly complaints: readonly string[];
}
