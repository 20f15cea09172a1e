/** One token of the recurrent form, S ← γS + φ(k)vᵀ and Y = φ(q)ᵀS / φ(q)·Z. */

import type { Kernels, Tensor } from '@sympow/kernels';
import type { Machine } from '../machine';
import { groupsOf256, same } from './arithmetic';
import { gateTotals } from './discountedSum';
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

interface VectorGradient {
  readonly power: number;
  /** [B, heads, d], embedded as φ(x·root), and its gradient. */
  readonly x: Tensor;
  readonly root: number;
  readonly dx: Tensor;
  readonly S: Tensor;
  readonly Z: Tensor;
  /** [B, heads, e] */
  readonly values: Tensor;
  readonly shares?: Tensor;
}

export function stepState(machine: Machine): StepState {
  /** dx from dφ = S·values + Z. */
  const vectorGradient = ({ power, x, root, dx, S, Z, values, shares }: VectorGradient) => {
    const [B, heads, d] = x.shape as [number, number, number];
    const [, G, D, e] = S.shape as [number, number, number, number];
    const gradient = dx.backend.empty([B * heads, D]);
    machine.launch('row_dot', {
      tensors: { S, Z, values, shares, gradient },
      params: { size: gradient.size, rows: D, columns: e, shared_by: heads / G },
      groups: Math.ceil(gradient.size / 16),
    });
    machine.launch('embed_gradient', {
      constants: { power },
      tensors: { rows: featuresOf(machine, d, power).rows, vectors: x, gradient, dx },
      params: { rows: D, d, root },
      groups: dx.size,
    });
  };
  const gateGradient = (
    decay: ReturnType<typeof stepDecayOf>,
    { rows, S, Z, dS, dZ, dlogGate }: Record<'rows' | 'S' | 'Z' | 'dS' | 'dZ' | 'dlogGate', Tensor>,
  ) => {
    const [, G, D, e] = S.shape as [number, number, number, number];
    const sums = S.backend.empty(Z.shape);
    // A chunk of one token.
    const params = { length: 1, chunk: 1, chunks: 1, heads: G, rows: D };
    const vector = decay.flags.length > 0;
    const tensors = { rows: vector ? rows : undefined, ...decay.tensors };
    machine.launch('gate_rows', {
      ...decay,
      tensors: { S, Z, dS, dZ, sums, ...tensors },
      params: { size: Z.size, columns: e, ...params },
      groups: Math.ceil(Z.size / 16),
    });
    const { constants } = decay;
    gateTotals(machine, {
      params,
      constants,
      tensors,
      width: constants.gate_width,
      sums,
      dA: dlogGate,
      groups: dlogGate.size,
    });
  };
  return {
    stepState({ power, normalizer, q, k, v, logGate, S, Z, SNext, ZNext, y }) {
      const [, G, D, e] = S.shape as [number, number, number, number];
      const d = q.shape[2]!;
      const decay = stepDecayOf(logGate, power);
      const size = Z.size * (e + 1);
      machine.launch('step_update', {
        ...decay,
        tensors: {
          rows: featuresOf(machine, d, power).rows,
          vectors: k,
          v,
          S: same(S, SNext) ? undefined : S,
          Z: same(Z, ZNext) ? undefined : Z,
          SNext,
          ZNext,
          ...decay.tensors,
        },
        params: { size, rows: D, columns: e, d },
        groups: groupsOf256(size),
      });
      y.backend.scope(() => {
        const found = windowParts(machine, { power, q, root: 1 / Math.sqrt(d), S: SNext, Z: ZNext });
        joinWindow(machine, { power, normalized: normalizer === 'sum', G, y, ...found });
      });
    },
    stepStateBackward({ power, normalizer, q, k, v, logGate, S, Z, SNext, ZNext, y, dy, dSNext, dZNext, ...outputs }) {
      const { dq, dk, dv, dlogGate, dS, dZ } = outputs;
      const [B, H, d] = q.shape as [number, number, number];
      const [, G, D, e] = S.shape as [number, number, number, number];
      const { rows } = featuresOf(machine, d, power);
      const root = 1 / Math.sqrt(d);
      const { backend } = dq;
      const size = Z.size * (e + 1);
      const sizes = { size, rows: D, columns: e };
      const normalized = normalizer === 'sum';
      backend.scope(() => {
        const { parts, blocks } = windowParts(machine, { power, q, root, S: SNext, Z: ZNext });
        const shares = backend.empty([B, H, 2]);
        machine.launch('step_rows', {
          tensors: { parts, y, dy, shares },
          params: { size: B * H, columns: e, blocks, power, normalized: normalized ? 1 : 0 },
          groups: Math.ceil((B * H) / 64),
        });
        machine.launch('step_gradient', {
          constants: { power },
          tensors: { rows, vectors: q, dy, shares, dSNext, dZNext, dS, dZ },
          params: { d, shared_by: H / G, root, ...sizes },
          groups: groupsOf256(size),
        });
        vectorGradient({ power, x: q, root, S: SNext, Z: ZNext, values: dy, shares, dx: dq });
        vectorGradient({ power, x: k, root: 1, S: dS, Z: dZ, values: v, dx: dk });
        const values = windowParts(machine, { power, q: k, root: 1, S: dS, Z: dZ });
        joinWindow(machine, { power, normalized: false, G, y: dv, ...values });
        const decay = stepDecayOf(logGate, power);
        if (dlogGate) gateGradient(decay, { rows, S, Z, dS, dZ, dlogGate });
        machine.launch('step_forget', {
          ...decay,
          tensors: { rows, dS, dZ, ...decay.tensors },
          params: sizes,
          groups: groupsOf256(size),
        });
      });
    },
  };
}
