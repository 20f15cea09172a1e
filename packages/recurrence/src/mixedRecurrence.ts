/** Two kinds of attention in one layer, whose answers are mixed: g·first + (1 − g)·second. */

import { add, type Tape, type Variable } from '@sympow/autograd';
import { ConfigError, ShapeError, type Backend } from '@sympow/kernels';
import type {
  AttentionInputs,
  Memory,
  MemoryShape,
  Recurrence,
  SavedMemory,
  SavedTensor,
  SequenceOptions,
} from './api';
import { checkRows } from './rows';
import { scaleRows } from './rowScale';

/** The memories of both kinds. Made by `mixedRecurrence(…).memory`. */
export interface MixedMemory extends Memory {
  readonly parts: readonly [Memory, Memory];
}

/**
 * Makes attention that mixes the answers of two kinds on the same queries, keys, values, gates and phases. Its inputs have
 * `own.mix` [1], the share g of the first; gradients reach it. At g = 0 the answers are those of the second to the last bit, at
 * g = 1 those of the first.
 *
 * It has no state of one layout: an initial state and a final one are refused with ConfigError. A stream has the memories of both.
 *
 * @example
 * ```ts
 * import { constant, Tape } from '@sympow/autograd';
 * import { js } from '@sympow/kernels';
 * import { mixedRecurrence, powerRecurrence, softmaxRecurrence } from '@sympow/recurrence';
 * const backend = await js().open();
 * const x = (heads: number) => constant(backend.upload(new Float32Array(5 * heads * 4).fill(0.5), [1, 5, heads, 4]));
 * const own = { mix: constant(backend.upload([0.25], [1])) };
 * const mixed = mixedRecurrence(softmaxRecurrence(), powerRecurrence({ power: 2 }));
 * console.log(mixed.sequence(new Tape(backend), { q: x(2), k: x(1), v: x(1), own }).y.value.shape); // [1, 5, 2, 4]
 * ```
 */
export function mixedRecurrence(first: Recurrence, second: Recurrence): Recurrence<MixedMemory> {
  /** The answers of both, mixed. */
  function answer(tape: Tape, inputs: AttentionInputs, of: (part: Recurrence, i: 0 | 1) => Variable): Variable {
    return tape.attempt(() => mixed(tape, mixOf(inputs), of(first, 0), of(second, 1)));
  }
  return {
    kind: 'mixed',
    sequence(tape, inputs, options) {
      refuseState(options);
      return { y: answer(tape, inputs, (part) => part.sequence(tape, inputs, { finalState: false }).y) };
    },
    memory: (backend, shape, saved) => mixedMemory(backend, [first, second], shape, saved),
    memoryBytes: (shape, length) => first.memoryBytes(shape, length) + second.memoryBytes(shape, length),
    stream: (tape, inputs, memory, lengths) =>
      answer(tape, inputs, (part, i) => part.stream(tape, inputs, memory.parts[i], lengths)),
  };
}

function refuseState({ state, finalState = false }: SequenceOptions = {}): void {
  if (!state && !finalState) return;
  throw new ConfigError({
    what: 'a state of mixed attention',
    value: 'asked for',
    expected: 'none, as its parts have none in common',
    remedy: 'Use stream() with a memory.',
  });
}

function mixOf({ own }: AttentionInputs): Variable {
  if (own?.mix?.value.size === 1) return own.mix;
  throw new ShapeError({ what: 'shape of own.mix', value: own?.mix?.value.shape, expected: '[1]' });
}

/** g·a + (1 − g)·b */
function mixed(tape: Tape, g: Variable, a: Variable, b: Variable): Variable {
  const one = tape.result(g.value.shape, []);
  tape.kernels.fill({ value: 1, y: one.value });
  return add(tape, scaleRows(tape, a, g), scaleRows(tape, b, add(tape, one, g, -1)));
}

const prefix = (i: number) => `parts.${i}.`;

function mixedMemory(
  backend: Backend,
  recurrences: readonly [Recurrence, Recurrence],
  shape: MemoryShape,
  saved?: SavedMemory,
): MixedMemory {
  const savedOf = (i: number): SavedMemory | undefined => {
    if (!saved) return undefined;
    const own = Object.entries(saved.tensors).filter(([name]) => name.startsWith(prefix(i)));
    const tensors = Object.fromEntries(own.map(([name, tensor]) => [name.slice(prefix(i).length), tensor]));
    return { position: saved.position, tensors };
  };
  const first = recurrences[0].memory(backend, shape, savedOf(0));
  let second: Memory;
  try {
    second = recurrences[1].memory(backend, shape, savedOf(1));
  } catch (error) {
    first.dispose();
    throw error;
  }
  const parts = [first, second] as const;
  return {
    ...{ kind: 'mixed', shape, parts },
    get positions() {
      return first.positions;
    },
    get position() {
      return first.position;
    },
    get bytes() {
      return first.bytes + second.bytes;
    },
    get way() {
      return first.way === second.way ? first.way : undefined;
    },
    follow() {
      for (const part of parts) part.follow!();
    },
    copyRow(row, from, fromRow) {
      checkRows(this, row, from, fromRow);
      for (const [i, part] of parts.entries()) part.copyRow(row, (from as MixedMemory).parts[i as 0 | 1], fromRow);
    },
    async save(options) {
      const tensors: Record<string, SavedTensor> = {};
      let position = 0;
      for (const [i, part] of parts.entries()) {
        const own = await part.save(options);
        position = own.position;
        for (const [name, tensor] of Object.entries(own.tensors)) tensors[`${prefix(i)}${name}`] = tensor;
      }
      return { position, tensors };
    },
    dispose: () => parts.forEach((part) => part.dispose()),
  };
}
