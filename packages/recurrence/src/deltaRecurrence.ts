/** The gated delta rule behind the interface of all kinds: over whole sequences and as a stream. */

import { constant, inType, norm, swiglu, type Tape, type Variable } from '@sympow/autograd';
import { backendOf, ConfigError, ShapeError, type Backend, type Tensor } from '@sympow/kernels';
import type {
  AttentionInputs,
  Form,
  Memory,
  MemoryShape,
  Recurrence,
  SavedMemory,
  SaveOptions,
  SequenceOptions,
  SequenceResult,
  State,
} from './api';
import { chunkedDelta } from './deltaChunks';
import { recurrentDelta, unit } from './deltaForms';
import { checkChunk, checkForm } from './form';
import { checkInputs, savedTensor } from './inputs';
import { advance, checkEven, checkRows, copyRow, saveRow, streamRows } from './rows';
import { atRest, beginningWith, firstRows, stateBytes } from './savedTensors';
import { resetGates } from './sums';
import { savedPhase, streamPhase, turn, turnStream } from './turning';

/** C where nothing else is said. */
export const deltaChunk = 16;

/** How a delta recurrence computes. */
export interface DeltaOptions {
  /** C of the chunked form; default {@link deltaChunk}. */
  readonly chunk?: number | undefined;
  readonly form?: Form | undefined;
}

/** The state S of every stream. Made by `deltaRecurrence(…).memory`. */
export interface DeltaMemory extends Memory {
  /** [B, G, d, e] */
  readonly S: Tensor;
  /** [2, B, G, d/2]; see `streamPhase`. */
  readonly phase: Tensor | undefined;
  readonly positions: number[];
}

/**
 * Makes the gated delta rule `S_i = γ_i (I − b_i k_i k_iᵀ) S_{i−1} + b_i k_i v_iᵀ`, `Y_i = S_iᵀ q_i / √d` (arXiv 2412.06464) on queries
 * and keys that are divided by their length. Its inputs have `own.b` [B, T, G], from 0 (nothing is written) over 1 (what the
 * key's place held is replaced) to 2 (it is turned round). With `own.gate` [B, T, H, e] and `own.norm` [e] answers are divided by their
 * root mean square, times norm, times SiLU of the gate. The state is S [B, G, d, e].
 *
 * Vector gates are refused with ConfigError.
 *
 * @example
 * ```ts
 * import { constant, Tape } from '@sympow/autograd';
 * import { js } from '@sympow/kernels';
 * import { deltaRecurrence } from '@sympow/recurrence';
 * const backend = await js().open();
 * const x = (...shape: number[]) => constant(backend.upload(new Float32Array(shape.reduce((a, b) => a * b)).fill(0.5), shape));
 * const inputs = { q: x(1, 5, 2, 4), k: x(1, 5, 1, 4), v: x(1, 5, 1, 4), own: { b: x(1, 5, 1) } };
 * const { y, state } = deltaRecurrence().sequence(new Tape(backend), inputs);
 * console.log(y.value.shape, state!.S.value.shape); // [1, 5, 2, 4] [1, 1, 4, 4]
 * ```
 */
export function deltaRecurrence({ form = 'auto', chunk = deltaChunk }: DeltaOptions = {}): Recurrence<DeltaMemory> {
  checkForm(form);
  checkChunk(chunk);

  function sequence(tape: Tape, inputs: AttentionInputs, options: SequenceOptions = {}): SequenceResult {
    return tape.attempt(() => compute(tape, inputs, options));
  }

  function compute(tape: Tape, inputs: AttentionInputs, { state, finalState = true }: SequenceOptions): SequenceResult {
    checkInputs(inputs, state?.phase);
    checkGateWidth(inputs.logGate?.value.shape[3] ?? 1);
    const [B, T, G] = inputs.k.value.shape as [number, number, number];
    const b = inputs.own?.b;
    if (b?.value.shape.join() !== [B, T, G].join()) {
      throw new ShapeError({ what: 'shape of own.b', value: b?.value.shape, expected: `[${B}, ${T}, ${G}]` });
    }
    const { q, k, phase } = turn(tape, inputs.q, inputs.k, inputs.phases, state?.phase);
    const logGate = resetGates(tape, inputs.logGate, inputs.reset, G);
    const units = { q: unit(tape, q), k: unit(tape, k), v: inputs.v, b, logGate, initial: state?.S };
    const { y, last } =
      form === 'recurrent' || (form === 'auto' && T === 1)
        ? recurrentDelta(tape, units)
        : chunkedDelta(tape, units, form === 'attention' ? T : chunk);
    return { y: gated(tape, y, inputs.own!), state: finalState ? { S: last, phase } : undefined };
  }

  return {
    kind: 'delta',
    sequence,
    memory: deltaMemory,
    memoryBytes: deltaBytes,
    stream: (tape, inputs, memory, lengths) =>
      tape.attempt(() =>
        streamRows(tape, inputs, memory, lengths, {
          lane: ({ S, shape }) => deltaMemory(backendOf(S), { ...shape, B: 1 }),
          read: (own, piece, rows, active) => read(own, piece, rows, active, sequence),
        }),
      ),
  };
}

/** Answers, or RMS norm of them times SiLU of a gate where there is one. */
function gated(tape: Tape, y: Variable, { gate, norm: weight }: NonNullable<AttentionInputs['own']>): Variable {
  return gate ? swiglu(tape, gate, norm(tape, y, { kind: 'rms', weight })) : y;
}

function checkGateWidth(width: number): void {
  if (width <= 1) return;
  throw new ConfigError({
    what: 'gates per token and head',
    value: width,
    expected: 'at most 1 with the delta rule',
    remedy: 'Vector gates need power attention.',
  });
}

function read(
  tape: Tape,
  piece: AttentionInputs,
  { S, phase, positions, shape }: DeltaMemory,
  active: readonly boolean[] | undefined,
  sequence: (tape: Tape, inputs: AttentionInputs, options: SequenceOptions) => SequenceResult,
) {
  const { backend, kernels } = tape;
  const [B, T, H] = piece.q.value.shape as [number, number, number];
  const y = tape.result([B, T, H, shape.e], []);
  backend.scope(() => {
    const turned = turnStream(tape, piece, phase, active);
    const { float } = backend.capabilities;
    const state: State = { S: inType(tape, constant(S), float) };
    const answer = sequence(tape, turned, { state });
    kernels.cast({ x: answer.y.value, y: y.value });
    const next = inType(tape, answer.state!.S, S.dtype).value;
    if (!active) kernels.cast({ x: next, y: S });
    else for (const [row, reads] of active.entries()) if (reads) copyRow(next, row, S, row);
  });
  advance(positions, T, active);
  return y;
}

function deltaBytes(shape: MemoryShape): number {
  const { B, G, d, e, phases } = shape;
  return B * G * (stateBytes(shape) * d * e + (phases ? 4 * d : 0));
}

function deltaMemory(backend: Backend, shape: MemoryShape, saved?: SavedMemory): DeltaMemory {
  const { B, G, d, e, phases, gateWidth } = shape;
  checkGateWidth(gateWidth);
  const axes = [B, G, d, e];
  const restored = saved && savedTensor(saved, 'S', axes);
  const { S, phase } = backend.scope((keep) => {
    const S = keep(beginningWith(restored, backend, axes, shape.states));
    return { S, phase: phases ? keep(streamPhase(backend, shape, saved)) : undefined };
  });
  const memory: DeltaMemory = {
    ...{ kind: 'delta', shape, S, phase },
    positions: new Array<number>(B).fill(saved?.position ?? 0),
    get position() {
      return Math.max(0, ...this.positions);
    },
    bytes: deltaBytes(shape),
    // All tokens go one way; two, as other layers of a model have two.
    get way() {
      return memory.positions[0]! % 2;
    },
    follow: () => advance(memory.positions, 1, undefined),
    copyRow(row, from, fromRow) {
      checkRows(memory, row, from, fromRow);
      const other = from as DeltaMemory;
      copyRow(other.S, fromRow, S, row);
      if (phase && other.phase) copyRow(other.phase, fromRow, phase, row, 2);
      memory.positions[row] = other.positions[fromRow]!;
    },
    save: (options) => save(memory, options),
    dispose: () => [S, phase].forEach((tensor) => tensor?.dispose()),
  };
  return memory;
}

async function save(memory: DeltaMemory, { exact = false, row }: SaveOptions = {}): Promise<SavedMemory> {
  const { S, phase, positions, position, shape } = memory;
  if (row !== undefined) return saveRow(memory, row, () => deltaMemory(backendOf(S), { ...shape, B: 1 }), exact);
  checkEven('positions', positions);
  const copies = S.backend.scope((keep) => ({
    S: keep(firstRows(S, shape.G)),
    ...(phase && { phase: keep(firstRows(phase, shape.B)) }),
  }));
  const { phase: planes, ...tensors } = await atRest(copies);
  return { position, tensors: { ...tensors, ...(planes && savedPhase(planes, exact)) } };
}
