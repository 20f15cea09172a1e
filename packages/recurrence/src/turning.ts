/** How phases are summed, and how they turn keys and queries; specification §5. Where they come from: phases/. */

import { call, reshape, sliceRows, type Tape, type Variable } from '@sympow/autograd';
import type { Backend, Tensor } from '@sympow/kernels';
import type { AttentionInputs, MemoryShape, PhaseInputs, SavedMemory, SavedTensor } from './api';
import { savedTensor } from './inputs';
import { copyRow, type Places } from './rows';

/** Phases of every token in turns [B, T, G, d/2], going on from `phase` [B, G, d/2]. */
export function phaseSum(
  tape: Tape,
  { theta, thetaTail, beta }: PhaseInputs,
  phase: Variable | undefined,
  B: number,
  T: number,
): Variable {
  const inputs = { theta, thetaTail, beta, phase };
  return call(tape, 'phaseSum', inputs, { turns: [B, T, ...theta.value.shape] }).turns;
}

/** x [B, T, H, d] turned by phases [B, T, G, d/2]. */
export function rotate(tape: Tape, x: Variable, turns: Variable): Variable {
  return call(tape, 'rotary', { x, turns }, { y: x.value.shape }).y;
}

/** Turned queries and keys, and the phase [B, G, d/2] from which the next token goes on. */
export interface Turned {
  readonly q: Variable;
  readonly k: Variable;
  readonly phase: Variable | undefined;
}

/** Turns q and k by their phases; hands them back as they are where there are none. */
export function turn(
  tape: Tape,
  q: Variable,
  k: Variable,
  phases: PhaseInputs | undefined,
  phase: Variable | undefined,
): Turned {
  if (!phases) return { q, k, phase: undefined };
  const [B, T, G, d] = k.value.shape as [number, number, number, number];
  return tape.attempt(() => {
    const turns = phaseSum(tape, phases, phase, B, T);
    return {
      q: rotate(tape, q, turns),
      k: rotate(tape, k, turns),
      phase: reshape(tape, sliceRows(tape, turns, T - 1, 1), [B, G, d / 2]),
    };
  });
}

/**
 * The phase of a stream: two planes [2, B, G, d/2], whose sum loses no digit however many tokens come one by one. Rounded at
 * every token it would be half a thousandth of a turn off after 65,536.
 */
export function streamPhase(backend: Backend, { B, G, d }: MemoryShape, saved?: SavedMemory): Tensor {
  const [half, shape] = [B * G * (d / 2), [B, G, d / 2]];
  const planes = new Float64Array(2 * half);
  if (saved) planes.set(savedTensor(saved, 'phase', shape).data);
  if (saved?.tensors.phaseTail) planes.set(savedTensor(saved, 'phaseTail', shape).data, half);
  return backend.upload(planes, [2, ...shape], backend.capabilities.float);
}

/** The public phase [B, G, d/2] of a stream, and what rounding took from it as `phaseTail` where it must be exact. */
export function savedPhase({ shape: [, ...shape], data }: SavedTensor, exact = false): Record<string, SavedTensor> {
  const half = data.length / 2;
  const tail = { phaseTail: { shape, data: data.slice(half) } };
  return { phase: { shape, data: data.slice(0, half) }, ...(exact && tail) };
}

/** The next tokens of a stream with q and k turned; moves its phase on, in rows that are `active`. Nothing is recorded. */
export function turnStream(
  tape: Tape,
  inputs: AttentionInputs,
  phase: Tensor | undefined,
  active?: readonly boolean[],
): AttentionInputs {
  const { q, k, phases } = inputs;
  if (!phases || !phase) return inputs;
  const { theta, thetaTail, beta } = phases;
  const [B, T] = k.value.shape as [number, number];
  const turns = tape.result([B, T, ...theta.value.shape], []);
  const sums = { beta: beta?.value, theta: theta.value, thetaTail, resume: phase, last: phase };
  restingRows(tape, phase, active, () => tape.kernels.phaseSum({ turns: turns.value, ...sums }));
  return { ...inputs, q: rotate(tape, q, turns), k: rotate(tape, k, turns), phases: undefined };
}

/** A memory, as the next tokens of a stream are put into it. */
export interface Appended {
  /** [B, S, G, d], [B, S, G, e] and [B, S, G(, …)]. */
  readonly keys: Tensor;
  readonly values: Tensor;
  readonly logGates: Tensor | undefined;
  readonly phase: Tensor | undefined;
  readonly places: Places;
  readonly positions: readonly number[];
}

/**
 * {@link turnStream}, and the keys with their values and gates put behind those that a memory holds. Hands back the queries, and
 * where tokens stood and stand now, [B] int32 each. Places are to be moved on.
 */
export function appendTurned(
  tape: Tape,
  { q, k, v, logGate, phases }: Pick<AttentionInputs, 'q' | 'k' | 'v' | 'logGate' | 'phases'>,
  { keys, values, logGates, phase, places, positions }: Appended,
  active: readonly boolean[] | undefined,
): { readonly q: Variable; readonly offset: Tensor; readonly next: Tensor } {
  const { offset, next } = places.toAppend(positions[0]!, active);
  const put = {
    k: k.value,
    v: v.value,
    logGate: logGate?.value,
    offset,
    next,
    keys,
    values,
    logGates: logGate && logGates,
  };
  if (!phases || !phase) {
    tape.kernels.append(put);
    return { q, offset, next };
  }
  const { theta, thetaTail, beta } = phases;
  const y = tape.result(q.value.shape, []);
  const turns = { beta: beta?.value, theta: theta.value, thetaTail, resume: phase, last: phase };
  restingRows(tape, phase, active, () => tape.kernels.rotaryAppend({ q: q.value, y: y.value, ...put, ...turns }));
  return { q: y, offset, next };
}

/** Runs what moves all phases on, and puts those of rows that are not active back. */
function restingRows(tape: Tape, phase: Tensor, active: readonly boolean[] | undefined, move: () => void): void {
  const before = active && copyOf(tape, phase);
  move();
  for (const [row, reads] of active?.entries() ?? []) if (before && !reads) copyRow(before, row, phase, row, 2);
}

function copyOf(tape: Tape, x: Tensor): Tensor {
  const y = tape.empty(x.shape);
  tape.kernels.cast({ x, y });
  return y;
}
