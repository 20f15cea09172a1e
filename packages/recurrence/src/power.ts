/** The four kernels of the chunked form as differentiable functions; specification §7. */

import type { Tape, Variable } from '@sympow/autograd';
import { embeddedSize } from '@sympow/embedding';
import type { Normalizer } from '@sympow/kernels';
import type { GateVariables } from './sums';

/** Sizes and options that the four share. */
export interface ChunkOptions {
  readonly power: number;
  readonly chunk: number;
}

/** S and Z, or their gradients: of one state or of one per chunk. */
export interface StatePair {
  readonly S: Variable;
  readonly Z: Variable;
}

/** What each chunk adds: [B, n, G, D, e] and [B, n, G, D]. */
export function updateState(
  tape: Tape,
  k: Variable,
  v: Variable,
  gates: GateVariables | undefined,
  options: ChunkOptions,
): StatePair {
  const [B, T, G, d] = k.value.shape as [number, number, number, number];
  const n = Math.ceil(T / options.chunk);
  const D = embeddedSize(d, options.power);
  const inputs = [k, v, gates?.A];
  const S = tape.result([B, n, G, D, v.value.shape[3] as number], inputs);
  const Z = tape.result([B, n, G, D], inputs);
  tape.kernels.updateState({
    k: k.value,
    v: v.value,
    gates: gates?.sums,
    ...options,
    deltaS: S.value,
    deltaZ: Z.value,
  });
  tape.record([S, Z], () => {
    const dk = tape.empty(k.value.shape);
    const dv = tape.empty(v.value.shape);
    const dA = gates && tape.empty(gates.A.value.shape);
    tape.kernels.updateStateBackward({
      k: k.value,
      v: v.value,
      gates: gates?.sums,
      ...options,
      dDeltaS: tape.gradientOrZero(S),
      dDeltaZ: tape.gradientOrZero(Z),
      dk,
      dv,
      dA,
    });
    tape.give(k, dk);
    tape.give(v, dv);
    if (gates && dA) tape.give(gates.A, dA);
  });
  return { S, Z };
}

/** The state before each chunk [B, n, G, D(, e)], and after the last [B, G, D(, e)]. */
export function discountedSum(
  tape: Tape,
  delta: StatePair,
  gates: GateVariables | undefined,
  initial: StatePair | undefined,
  length: number,
  options: ChunkOptions,
): { before: StatePair; last: StatePair } {
  const [B, , G, D, e] = delta.S.value.shape as [number, number, number, number, number];
  const inputs = [delta.S, delta.Z, gates?.A, initial?.S, initial?.Z];
  const before = { S: tape.result(delta.S.value.shape, inputs), Z: tape.result(delta.Z.value.shape, inputs) };
  const last = { S: tape.result([B, G, D, e], inputs), Z: tape.result([B, G, D], inputs) };
  tape.kernels.discountedSum({
    deltaS: delta.S.value,
    deltaZ: delta.Z.value,
    gates: gates?.sums,
    ...options,
    length,
    S0: initial?.S.value,
    Z0: initial?.Z.value,
    S: before.S.value,
    Z: before.Z.value,
    SLast: last.S.value,
    ZLast: last.Z.value,
  });
  tape.record([before.S, before.Z, last.S, last.Z], () => {
    const dDeltaS = tape.empty(delta.S.value.shape);
    const dDeltaZ = tape.empty(delta.Z.value.shape);
    const dS0 = initial && tape.empty(initial.S.value.shape);
    const dZ0 = initial && tape.empty(initial.Z.value.shape);
    const dA = gates && tape.empty(gates.A.value.shape);
    tape.kernels.discountedSumBackward({
      gates: gates?.sums,
      ...options,
      length,
      S: before.S.value,
      Z: before.Z.value,
      dS: tape.gradientOrZero(before.S),
      dZ: tape.gradientOrZero(before.Z),
      dSLast: tape.gradient(last.S),
      dZLast: tape.gradient(last.Z),
      dDeltaS,
      dDeltaZ,
      dS0,
      dZ0,
      dA,
    });
    tape.give(delta.S, dDeltaS);
    tape.give(delta.Z, dDeltaZ);
    if (initial && dS0 && dZ0) {
      tape.give(initial.S, dS0);
      tape.give(initial.Z, dZ0);
    }
    if (gates && dA) tape.give(gates.A, dA);
  });
  return { before, last };
}

/** What a chunk finds in itself, not yet normalised. */
export interface ChunkAnswer {
  readonly num: Variable;
  readonly den: Variable;
  /** Carries no gradient: the joined result does not depend on it. */
  readonly rowMax: Variable;
}

export function powerAttention(
  tape: Tape,
  q: Variable,
  k: Variable,
  v: Variable,
  gates: GateVariables | undefined,
  options: ChunkOptions,
): ChunkAnswer {
  const [B, T, H] = q.value.shape as [number, number, number, number];
  const inputs = [q, k, v, gates?.A];
  const num = tape.result([B, T, H, v.value.shape[3] as number], inputs);
  const den = tape.result([B, T, H], inputs);
  const rowMax: Variable = { value: tape.empty([B, T, H]), requiresGradient: false };
  const operands = { q: q.value, k: k.value, v: v.value, gates: gates?.sums, ...options };
  tape.kernels.powerAttention({ ...operands, num: num.value, den: den.value, rowMax: rowMax.value });
  tape.record([num, den, rowMax], () => {
    const [dq, dk, dv] = [tape.empty(q.value.shape), tape.empty(k.value.shape), tape.empty(v.value.shape)];
    const dA = gates && tape.empty(gates.A.value.shape);
    tape.kernels.powerAttentionBackward({
      ...operands,
      rowMax: rowMax.value,
      dnum: tape.gradientOrZero(num),
      dden: tape.gradientOrZero(den),
      dq,
      dk,
      dv,
      dA,
    });
    tape.give(q, dq);
    tape.give(k, dk);
    tape.give(v, dv);
    if (gates && dA) tape.give(gates.A, dA);
  });
  return { num, den, rowMax };
}

/** The chunk's own answer joined with the state before it: Y [B, T, H, e]. */
export function queryState(
  tape: Tape,
  q: Variable,
  gates: GateVariables | undefined,
  state: StatePair | undefined,
  { num, den, rowMax }: ChunkAnswer,
  options: ChunkOptions & { readonly normalizer: Normalizer },
): Variable {
  const y = tape.result(num.value.shape, [q, num, den, state?.S, state?.Z, gates?.A]);
  const total: Variable = { value: tape.empty(den.value.shape), requiresGradient: false };
  const operands = {
    q: q.value,
    gates: gates?.sums,
    ...options,
    S: state?.S.value,
    Z: state?.Z.value,
    rowMax: rowMax.value,
  };
  tape.kernels.queryState({ ...operands, num: num.value, den: den.value, y: y.value, total: total.value });
  tape.record([y, total], () => {
    const [dnum, dden] = [tape.empty(num.value.shape), tape.empty(den.value.shape)];
    const dq = state && tape.empty(q.value.shape);
    const dS = state && tape.empty(state.S.value.shape);
    const dZ = state && tape.empty(state.Z.value.shape);
    const dA = state && gates && tape.empty(gates.A.value.shape);
    tape.kernels.queryStateBackward({
      ...operands,
      y: y.value,
      total: total.value,
      dy: tape.gradientOrZero(y),
      dnum,
      dden,
      dq,
      dS,
      dZ,
      dA,
    });
    tape.give(num, dnum);
    tape.give(den, dden);
    if (state && dq && dS && dZ) {
      tape.give(q, dq);
      tape.give(state.S, dS);
      tape.give(state.Z, dZ);
    }
    if (gates && dA) tape.give(gates.A, dA);
  });
  return y;
}
