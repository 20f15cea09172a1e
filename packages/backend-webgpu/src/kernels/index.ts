/** Every kernel of the catalogue, unchecked, and the shaders that are compiled before anybody asks for them. */

import type { Kernels } from '@sympow/kernels';
import type { Machine } from '../machine';
import { arithmetic } from './arithmetic';
import { matmul } from './matmul';

export function kernelsOf(machine: Machine): Kernels {
  return { ...arithmetic(machine), ...matmul(machine) } as Kernels;
}
