/** Three tiny programs with known results: a mode that rounds, reorders or reads otherwise than expected is not opened. */

import { BackendError } from '@sympow/kernels';
import type { Machine } from './machine';
import type { Floats, Sized, Thread } from './program';
import { Storage } from './storage';

/** Grid [2, 2]: reads across rows, in a loop. */
function readsRows(this: Sized<'n'>, x: Floats): number {
  let sum = 0;
  for (let i = 0; i < this.constants.n; i++) sum += x[i * this.constants.n + this.thread.x]! * x[this.thread.y]!;
  return sum;
}

/** What float32 loses of a + b, to the last bit. */
function lostInSum(this: Thread<object>, x: Floats, one: number): number {
  const a = x[0]!;
  const b = x[1]!;
  const s = Math.fround(a + b);
  const shadow = Math.fround(s * one - a);
  return Math.fround(a - Math.fround(s * one - shadow)) + (b - shadow);
}

function exponential(this: Thread<object>, x: Floats): number {
  return Math.exp(x[this.thread.x]!);
}

/** @throws BackendError that names the number that is off */
export function selfCheck(machine: Machine): void {
  const holds = (what: string, actual: Float32Array, expected: readonly number[], tolerance: number): void => {
    expected.forEach((value, i) => {
      const number = actual[i]!;
      if (Math.abs(number - value) <= tolerance * Math.abs(value)) return;
      throw new BackendError({
        what: `${what} on mode ${machine.mode} of the gpujs backend`,
        value: number,
        expected: `${value}`,
        remedy: 'Use another mode; if sources were minified, exclude this package from it.',
      });
    });
  };
  const input = (...numbers: number[]): Storage => {
    const storage = new Storage().begin('float32', numbers.length);
    storage.put(Float32Array.from(numbers));
    return storage;
  };
  const inputs = [input(1, 2, 3, 4), input(1, 1e-7), input(-20, -1, 0.5, 3)] as const;
  try {
    const rows = machine.temporary(readsRows, [2, 2], { n: 2 }, inputs[0]);
    holds('a sum over rows', machine.read(rows), [4, 6, 8, 12], 0);
    const lost = machine.temporary(lostInSum, [1], {}, inputs[1], 1);
    const b = Math.fround(1e-7);
    holds('the rounding of 1 + 1e-7', machine.read(lost), [b - (Math.fround(1 + b) - 1)], 1e-6);
    const powers = machine.temporary(exponential, [4], {}, inputs[2]);
    holds('e^x', machine.read(powers), [-20, -1, 0.5, 3].map(Math.exp), 1e-5);
  } finally {
    machine.release();
    inputs.forEach((storage) => storage.clear());
  }
}
