/** A case: one call of one kernel, as data. */

import type { Call, CaseArguments } from './api';
import type { Inputs } from './inputs';

/** A call of a kernel, and how what it gives is judged. */
export interface KernelCase extends Call {
  /** Unique among the cases of its kernel. */
  readonly name: string;
  /** Makes the arguments, the same ones each time. */
  readonly make: (inputs: Inputs) => CaseArguments;
  /** Outputs that the contract leaves undefined. */
  readonly ignore?: readonly string[] | undefined;
  /** Inputs whose own roundings the formula enlarges beyond any tolerance: their numbers count as they are. */
  readonly taken?: readonly string[] | undefined;
  /**
   * Where terms of a known size cancel: the size below which an output is not expected to have correct digits. Errors
   * are then relative to the larger of it and the output.
   */
  readonly floor?: Readonly<Record<string, number>> | undefined;
  /** Inputs hold NaN or infinities: what these reach in the definition may be anything, what they do not reach is held to it. */
  readonly poisoned?: boolean | undefined;
}
