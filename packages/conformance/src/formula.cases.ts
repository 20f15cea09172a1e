// What a formula is written in: the tensors of a call as functions of positions, and sums.
import type { CaseArguments } from './api';

/** A tensor argument as a function of its position; trailing positions may be left out. */
export type Read = (...position: number[]) => number;
export type Formula = (args: Arguments, position: readonly number[]) => number;

export interface Arguments {
  readonly args: CaseArguments;
  /** Element of a tensor argument. */
  readonly of: Record<string, Read>;
  readonly shape: Record<string, readonly number[]>;
}

export const number = (args: Arguments, name: string, otherwise: number): number =>
  (args.args[name] as number) ?? otherwise;
export const sum = (n: number, term: (i: number) => number): number => {
  let total = 0;
  for (let i = 0; i < n; i++) total += term(i);
  return total;
};
