/** The four kernels of the chunked form as differentiable functions; specification §7. */

import { call, type Tape, type Variable } from '@sympow/autograd';
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
  const inputs = { k, v, A: gates?.A };
  const outputs = { deltaS: [B, n, G, D, v.value.shape[3] as number], deltaZ: [B, n, G, D] };
  const { deltaS, deltaZ } = call(tape, 'updateState', inputs, outputs, { gates: gates?.sums, ...options });
  return { S: deltaS, Z: deltaZ };
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
  const inputs = { deltaS: delta.S, deltaZ: delta.Z, S0: initial?.S, Z0: initial?.Z, A: gates?.A };
  const outputs = {
    ...{ S: delta.S.value.shape, Z: delta.Z.value.shape },
    ...{ SLast: [B, G, D, e], ZLast: [B, G, D] },
  };
  const made = call(tape, 'discountedSum', inputs, outputs, { length, gates: gates?.sums, ...options });
  return { before: { S: made.S, Z: made.Z }, last: { S: made.SLast, Z: made.ZLast } };
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
  const inputs = { q, k, v, A: gates?.A };
  const outputs = { num: [B, T, H, v.value.shape[3] as number], den: [B, T, H], rowMax: [B, T, H] };
  return call(tape, 'powerAttention', inputs, outputs, { gates: gates?.sums, ...options });
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
  // Without a state the gates decay nothing here.
  const inputs = { q, num, den, rowMax, S: state?.S, Z: state?.Z, A: state && gates?.A };
  const outputs = { y: num.value.shape, total: den.value.shape };
  return call(tape, 'queryState', inputs, outputs, { gates: gates?.sums, ...options }).y;
}
