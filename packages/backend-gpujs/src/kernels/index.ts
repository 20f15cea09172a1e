/** Every kernel of the catalogue, unchecked. */

import type { Kernels } from '@sympow/kernels';
import type { Machine } from '../machine';
import { dense } from './dense';
import { elementwise } from './elementwise';
import { optimizer } from './optimizer';
import { rotary } from './rotary';
import { sums } from './sums';

export function kernelsOf(machine: Machine): Kernels {
  const kernels = { ...elementwise(machine), ...dense(machine), ...optimizer(machine), ...rotary(machine), ...sums(machine) } as Kernels;
  return Object.fromEntries(
    Object.entries(kernels).map(([name, kernel]: [string, (args: never) => void]) => [
      name,
      (args: never) => {
        try {
          kernel(args);
        } finally {
          machine.release();
        }
      },
    ]),
  ) as unknown as Kernels;
}
