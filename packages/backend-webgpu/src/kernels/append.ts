/** New tokens of a stream behind those that a memory holds, in one launch. */

import { bytesPerElement, type Kernels, type Tensor } from '@sympow/kernels';
import type { Machine } from '../machine';
import { groupsOf256 } from './arithmetic';

export function append(machine: Machine): Pick<Kernels, 'append'> {
  return {
    append({ k, v, logGate, offset, keys, values, logGates, next }) {
      const [rows, tokens] = k.shape as [number, number];
      // In words, of which halves take one for two.
      const perToken = (x: Tensor | undefined) =>
        x ? (x.size * bytesPerElement[x.dtype]) / 4 / (rows * tokens || 1) : 0;
      const [ofK, ofV, ofGates] = [perToken(k), perToken(v), perToken(logGate)];
      const size = rows * tokens * (ofK + ofV + ofGates);
      machine.launch('append', {
        asBits: true,
        tensors: { k, v, offset, keys, values, log_gate: logGate, log_gates: logGates, next },
        params: { size, rows, tokens, window: keys.shape[1]!, of_k: ofK, of_v: ofV, of_gates: ofGates },
        groups: groupsOf256(Math.max(size, rows)),
      });
    },
  };
}
