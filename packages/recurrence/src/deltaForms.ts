/**
 * The gated delta rule on keys and queries of length 1 (arXiv 2412.06464): S_i = γ_i (I − b_i k_i k_iᵀ) S_{i−1} + b_i k_i v_iᵀ and
 * Y_i = S_iᵀ q_i / √d.
 *
 * It is S_i = γ_i S_{i−1} + k_i u_iᵀ with u_i = b_i (v_i − γ_i S_{i−1}ᵀ k_i), what the state does not answer to the key yet: the power
 * recurrence of power 1 without a normalizer, whose values are u.
 */

import { add, norm, reshape, sliceRows, type Tape, type Variable } from '@sympow/autograd';
import { stackTokens, stepState, zeroState } from './forms';
import { scaleRows } from './rowScale';

/** Inputs of one sequence: q and k as `unit` makes them, [B, T, H, d] and [B, T, G, d]. */
export interface DeltaInputs {
  readonly q: Variable;
  readonly k: Variable;
  /** [B, T, G, e] */
  readonly v: Variable;
  /** [B, T, G] */
  readonly b: Variable;
  /** [B, T, G] */
  readonly logGate: Variable | undefined;
  /** [B, G, d, e] */
  readonly initial: Variable | undefined;
}

export interface DeltaResult {
  /** [B, T, H, e] */
  readonly y: Variable;
  /** [B, G, d, e] */
  readonly last: Variable;
}

/** Vectors shorter than this count as shorter: their direction is noise. */
const shortest = 1e-6;

/** x over its length. */
export function unit(tape: Tape, x: Variable): Variable {
  const d = x.value.shape.at(-1)!;
  const weight = tape.result([d], []);
  tape.kernels.fill({ value: 1 / Math.sqrt(d), y: weight.value });
  return norm(tape, x, { kind: 'rms', weight, eps: shortest ** 2 / d });
}

const linear = { power: 1, normalizer: 'none' } as const;

/** Token by token, from kernels that every backend has: the definition. */
export function recurrentDelta(tape: Tape, { q, k, v, b, logGate, initial }: DeltaInputs): DeltaResult {
  const [B, T, G, d] = k.value.shape as [number, number, number, number];
  const e = v.value.shape[3] as number;
  const token = (x: Variable, t: number) => {
    const { shape } = x.value;
    return reshape(tape, sliceRows(tape, x, t, 1), [B, ...shape.slice(2)]);
  };
  const values = scaleRows(tape, v, b);
  // A step divides by √d what it asks the state.
  const asked = scaleBy(tape, k, Math.sqrt(d));
  const nothing = zeroState(tape, B, G, d, e);
  const silent = tape.result([B, G, e], []);
  tape.kernels.fill({ value: 0, y: silent.value });
  let state = { S: initial ?? nothing.S, Z: nothing.Z };
  const rows: Variable[] = [];
  for (let t = 0; t < T; t++) {
    const gate = logGate && token(logGate, t);
    const before = stepState(tape, { q: token(asked, t), k: token(k, t), v: silent, logGate: gate, state }, linear);
    const u = add(tape, token(values, t), scaleRows(tape, before.y, token(b, t)), -1);
    const after = { q: token(q, t), k: token(k, t), v: u, logGate: undefined, state: before.state };
    const next = stepState(tape, after, linear);
    rows.push(next.y);
    state = next.state;
  }
  return { y: stackTokens(tape, rows), last: state.S };
}

function scaleBy(tape: Tape, x: Variable, factor: number): Variable {
  return add(tape, x, x, factor - 1);
}
