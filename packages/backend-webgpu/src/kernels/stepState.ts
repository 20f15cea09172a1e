/** One token of the recurrent form, S ← γS + φ(k)vᵀ and Y = φ(q)ᵀS / φ(q)·Z. */

import type { Kernels, Tensor } from '@sympow/kernels';
import type { Machine } from '../machine';
import { groupsOf256, same } from './arithmetic';
import { featuresOf } from './features';
import { joinWindow, windowParts } from './queryWindow';

type StepState = Pick<Kernels, 'stepState' | 'stepStateBackward'>;

/** What the shaders that import `step_decay.wgsl` are launched with. */
function stepDecayOf(logGate: Tensor | undefined, power: number) {
  const vector = logGate?.shape.length === 3;
  return {
    imports: { row_decay: 'step_decay' },
    flags: vector ? ['vector'] : [],
    tensors: { log_gate: logGate },
    constants: { power, gate_width: vector ? logGate.shape[2]! : 1 },
  };
}

export function stepState(machine: Machine): StepState {
  return {
    stepState({ power, normalizer, q, k, v, logGate, S, Z, SNext, ZNext, y }) {
      const [, G, D, e] = S.shape as [number, number, number, number];
      const d = q.shape[2]!;
      const decay = stepDecayOf(logGate, power);
      const size = Z.size * (e + 1);
      machine.launch('step_update', {
        ...decay,
        tensors: {
          ...decay.tensors,
          rows: featuresOf(machine, d, power).rows,
          vectors: k,
          v,
          S: same(S, SNext) ? undefined : S,
          Z: same(Z, ZNext) ? undefined : Z,
          SNext,
          ZNext,
        },
        params: { size, rows: D, columns: e, d },
        groups: groupsOf256(size),
      });
      y.backend.scope(() => {
        const found = windowParts(machine, { power, q, root: 1 / Math.sqrt(d), S: SNext, Z: ZNext });
        joinWindow(machine, { ...found, power, normalized: normalizer === 'sum', G, y });
      });
    },
  } as StepState;
}
