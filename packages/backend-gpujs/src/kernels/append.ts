/** Streams: new tokens behind those that a memory holds, every row at a place of its own. */

import type { Kernels } from '@sympow/kernels';
import type { Machine } from '../machine';
import type { Floats, Sized } from '../program';

/** Grid [numbers of a token, S, B]: the new number where its token belongs there, else the old one. */
function appended(this: Sized<'row' | 'T' | 'S'>, x: Floats, y: Floats, offset: Floats): number {
  const place = offset[this.thread.z]!;
  const t = this.thread.y - place;
  if (place >= 0 && t >= 0 && t < this.constants.T) {
    return x[(this.thread.z * this.constants.T + t) * this.constants.row + this.thread.x]!;
  }
  return y[(this.thread.z * this.constants.S + this.thread.y) * this.constants.row + this.thread.x]!;
}

/** Grid [B]. */
function movedOn(this: Sized<'T'>, offset: Floats): number {
  if (offset[this.thread.x]! < 0) return offset[this.thread.x]!;
  return offset[this.thread.x]! + this.constants.T;
}

export function append(machine: Machine): Pick<Kernels, 'append'> {
  return {
    append: ({ k, v, logGate, offset, keys, values, logGates, next }) => {
      const [B, T] = k.shape as [number, number];
      const S = keys.shape[1]!;
      for (const [x, y] of [
        [k, keys],
        [v, values],
        [logGate, logGates],
      ] as const) {
        if (!x || !y) continue;
        const row = y.size / (B * S || 1);
        machine.write(y, appended, [row, S, B], { row, T, S }, x, y, offset);
      }
      machine.write(next, movedOn, [B], { T }, offset);
    },
  };
}
