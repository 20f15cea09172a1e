/** Rotation of pairs by phases in turns. */

import type { Kernels, Tensor } from '@sympow/kernels';
import type { Machine } from '../machine';
import { groupsOf256 } from './arithmetic';

export function rotary(machine: Machine): Pick<Kernels, 'rotary' | 'rotaryBackward'> {
  const sizes = (x: Tensor, turns: Tensor) => ({
    half: turns.shape[3]!,
    heads: x.shape[2]!,
    groups_of_heads: turns.shape[2]!,
  });
  return {
    rotary({ x, turns, y }) {
      const size = x.size / 2;
      const params = { size, ...sizes(x, turns) };
      machine.launch('rotary', { tensors: { x, turns, y }, params, groups: groupsOf256(size) });
    },
    rotaryBackward({ x, turns, dy, dx, dturns }) {
      const { size } = turns;
      const params = { size, ...sizes(x, turns) };
      machine.launch('rotary_backward', { tensors: { x, turns, dy, dx, dturns }, params, groups: groupsOf256(size) });
    },
  };
}
