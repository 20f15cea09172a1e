// What is fuzzed. A target is a file in targets/ and its line in targets/index.ts.
import type { Arbitrary } from 'fast-check';

/** A parser, and what it is fed with. */
export interface Target<Input = unknown> {
  readonly name: string;
  /** How many inputs it gets beside the others; 1 is the usual share. */
  readonly share?: number;
  readonly inputs: Arbitrary<Input>;
  /** Reads one input. Whatever it throws or rejects with must be one of the project's errors. */
  run(input: Input): void | Promise<void>;
}

/** A target whose inputs only it knows. */
export function target<Input>(definition: Target<Input>): Target {
  return definition;
}
