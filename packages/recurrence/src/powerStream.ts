/** How a power layer reads a stream: the newest token is answered from the window and from the state; specification §6. */

import { constant, type Tape, type Variable } from '@sympow/autograd';
import type { Normalizer, Tensor } from '@sympow/kernels';
import type { AttentionInputs, PowerState, Recurrence } from './api';
import { laneOf, type PowerMemory } from './powerMemory';
import { advance, streamRows, tokensOf } from './rows';
import { resetGates } from './sums';
import { appendTurned, turnStream } from './turning';
import { fold, foldRow, windowLength } from './window';

interface StreamOptions {
  readonly power: number;
  readonly normalizer: Normalizer;
  readonly sequence: Recurrence<PowerMemory, PowerState>['sequence'];
}

/** The next tokens of a stream; see `Recurrence.stream`. */
export function streamPower(
  tape: Tape,
  inputs: AttentionInputs,
  memory: PowerMemory,
  lengths: readonly number[] | undefined,
  options: StreamOptions,
): Variable {
  return streamRows(tape, inputs, memory, lengths, {
    lane: laneOf,
    read(own, piece, rows, active) {
      const [B, T, H] = piece.q.value.shape as [number, number, number, number];
      const y = own.result([B, T, H, rows.shape.e], []);
      own.backend.scope(() => {
        if (T === 1) nextToken(own, piece, rows, active, options, y);
        else nextTokens(own, turnStream(own, piece, rows.phase, active), rows, options, y);
      });
      advance(rows.positions, T, active);
      return y;
    },
  });
}

function nextTokens(
  tape: Tape,
  inputs: AttentionInputs,
  memory: PowerMemory,
  options: StreamOptions,
  y: Variable,
): void {
  const T = inputs.q.value.shape[1] as number;
  if (memory.places.counts.some((count) => count > 0)) fold(memory);
  // Whole windows go through the state; what is left stays in the window, where it keeps its precision.
  const rest = T % windowLength;
  for (const [from, count] of [
    [0, T - rest],
    [T - rest, rest],
  ] as const) {
    if (count === 0) continue;
    tape.backend.scope(() => {
      const piece = tokensOf(tape, inputs, from, count);
      const part =
        from === 0 && rest !== T
          ? throughState(tape, piece, memory, options)
          : intoWindow(tape, piece, memory, options);
      tape.kernels.copyBlock({ x: part.value, to: from, count, y: y.value });
    });
  }
}

/** A piece through the recurrence; its final state becomes the memory's. */
function throughState(tape: Tape, piece: AttentionInputs, memory: PowerMemory, { sequence }: StreamOptions): Variable {
  const { y, state } = sequence(tape, piece, { state: stateOf(memory) });
  const { kernels } = tape;
  kernels.cast({ x: state!.S.value, y: memory.S });
  kernels.cast({ x: state!.Z.value, y: memory.Z });
  return y;
}

/** A piece shorter than the window, which is empty: answered by the recurrence and kept as it is. */
function intoWindow(tape: Tape, piece: AttentionInputs, memory: PowerMemory, { sequence }: StreamOptions): Variable {
  const { y } = sequence(tape, piece, { state: stateOf(memory), finalState: false });
  append(tape, piece, memory, undefined);
  return y;
}

function stateOf({ S, Z }: PowerMemory): PowerState {
  return { S: constant(S), Z: constant(Z) };
}

/**
 * Writes keys, values and gates behind those in the windows, turned where they have phases still; hands back the queries, and how many
 * tokens there are then, [B] int32.
 */
function append(
  tape: Tape,
  inputs: AttentionInputs,
  { window, phase, places, positions, shape }: PowerMemory,
  active: readonly boolean[] | undefined,
): { readonly q: Variable; readonly count: Tensor } {
  const logGate = resetGates(tape, inputs.logGate, inputs.reset, shape.G);
  const held = { keys: window.k, values: window.v, logGates: window.logGate, phase, places, positions };
  const { q, next } = appendTurned(tape, { ...inputs, logGate }, held, active);
  places.moveOn(q.value.shape[1] as number, active);
  return { q, count: next };
}

function nextToken(
  tape: Tape,
  inputs: AttentionInputs,
  memory: PowerMemory,
  active: readonly boolean[] | undefined,
  { power, normalizer }: StreamOptions,
  y: Variable,
): void {
  const [B, , H, d] = inputs.q.value.shape as [number, number, number, number];
  const { window, S, Z, shape, places } = memory;
  const { backend } = tape;
  const { q, count } = append(tape, inputs, memory, active);
  backend.kernels.queryWindow({
    power,
    normalizer,
    q: backend.view(q.value, [B, H, d]),
    k: window.k,
    v: window.v,
    logGate: window.logGate,
    count,
    S,
    Z,
    y: backend.view(y.value, [B, H, shape.e]),
  });
  if (places.counts.every((tokens) => tokens === windowLength)) fold(memory);
  else for (const [row, tokens] of places.counts.entries()) if (tokens === windowLength) foldRow(memory, row);
}
