/** New tokens of a stream behind those that a memory holds, in one launch. */

import type { Kernels } from '@sympow/kernels';
import type { Machine } from '../machine';
import { groupsOf256 } from './arithmetic';

export function append(machine: Machine): Pick<Kernels, 'append'> {
  return {
    append({ k, v, logGate, offset, keys, values, logGates, next }) {
      const [rows, tokens] = k.shape as [number, number];
      const perToken = (size: number) => size / (rows * tokens || 1);
      const [ofK, ofV, ofGates] = [perToken(k.size), perToken(v.size), perToken(logGate?.size ?? 0)];
      const size = rows * tokens * (ofK + ofV + ofGates);
      machine.launch('append', {
        tensors: { k, v, offset, keys, values, log_gate: logGate, log_gates: logGates, next },
        params: { size, rows, tokens, window: keys.shape[1]!, of_k: ofK, of_v: ofV, of_gates: ofGates },
        groups: groupsOf256(Math.max(size, rows)),
      });
    },
  };
}
