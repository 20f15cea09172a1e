/**
 * Rows of a memory that go their own ways: each stands at a place of its own, rests while others read on, and moves between
 * memories.
 */

import { sliceRows, type Tape, type Variable } from '@sympow/autograd';
import { backendOf, ConfigError, ShapeError, type Backend, type Tensor } from '@sympow/kernels';
import type { AttentionInputs, Memory, SavedMemory } from './api';
import { checkStream } from './inputs';

/**
 * Where the next token of each row goes, among the keys that a memory holds: on the host, and on the device, where `append`
 * moves it on, so that a stream writes nothing to the device while all rows read.
 */
export class Places {
  /** Tokens that each row holds. */
  readonly counts: number[];
  private now: Tensor;
  private next: Tensor;
  private known = false;
  private turn = 0;

  constructor(backend: Backend, B: number, count: number) {
    this.counts = new Array<number>(B).fill(count);
    [this.now, this.next] = [backend.empty([B], 'int32'), backend.empty([B], 'int32')];
  }

  get tensors(): readonly Tensor[] {
    return [this.now, this.next];
  }

  /**
   * [B] int32 for `append`, the second to be written: below 0 for rows that are not `active`. `position` is that of the first row:
   * the places of all layers of a model change sides together, whenever they were written.
   */
  toAppend(position: number, active: readonly boolean[] | undefined): { offset: Tensor; next: Tensor } {
    if (active || !this.known) {
      if (this.turn !== position % 2) this.swap();
      this.now.backend.write(
        this.now,
        this.counts.map((count, row) => (active?.[row] === false ? -1 : count)),
      );
    }
    this.known = active === undefined;
    return { offset: this.now, next: this.next };
  }

  /** Which of the two tensors is read next, where both are known; see `Memory.way`. */
  get way(): number | undefined {
    return this.known ? this.turn : undefined;
  }

  /** After `append` of T tokens. */
  moveOn(T: number, active: readonly boolean[] | undefined): void {
    for (let row = 0; row < this.counts.length; row++) if (active?.[row] !== false) this.counts[row]! += T;
    this.swap();
    if (T % 2 === 0) this.known = false;
  }

  private swap(): void {
    [this.now, this.next] = [this.next, this.now];
    this.turn = 1 - this.turn;
  }

  /** A row that now holds another number of tokens. */
  set(row: number, count: number): void {
    this.counts[row] = count;
    this.known = false;
  }
}

/** Adds T tokens to the positions of rows that are `active`. */
export function advance(positions: number[], T: number, active: readonly boolean[] | undefined): void {
  for (let row = 0; row < positions.length; row++) if (active?.[row] !== false) positions[row]! += T;
}

/** Row `from` of x into row `to` of y: both [B, …], behind `planes` of each. */
export function copyRow(x: Tensor, from: number, y: Tensor, to: number, planes = 1): void {
  const backend = backendOf(x);
  const rows = (tensor: Tensor) => {
    const B = tensor.shape[planes === 1 ? 0 : 1]!;
    return backend.view(tensor, [planes, B, tensor.size / (planes * B)]);
  };
  backend.scope(() => backend.kernels.copyBlock({ x: rows(x), from, to, count: 1, y: rows(y) }));
}

/** Tokens [skip, skip + count) of row `from` of x [B, X, …] to the beginning of row `to` of y [B, Y, …]. */
export function copyTokens(x: Tensor, from: number, skip: number, count: number, y: Tensor, to: number): void {
  const backend = backendOf(x);
  const tokens = (tensor: Tensor) => {
    const [B, T] = tensor.shape as [number, number];
    return backend.view(tensor, [1, B * T, tensor.size / (B * T)]);
  };
  const place = { from: from * x.shape[1]! + skip, to: to * y.shape[1]!, count };
  backend.scope(() => backend.kernels.copyBlock({ x: tokens(x), ...place, y: tokens(y) }));
}

/** @throws ConfigError or ShapeError for rows that cannot be copied from one memory to the other */
export function checkRows(to: Memory, row: number, from: Memory, fromRow: number): void {
  if (to.kind !== from.kind) {
    throw new ConfigError({ what: 'memory to copy from', value: from.kind, expected: `one of kind ${to.kind}` });
  }
  const sizes = ({ shape: { G, d, e, phases, gateWidth, states } }: Memory) =>
    JSON.stringify({ G, d, e, phases, gateWidth, states });
  if (sizes(to) !== sizes(from)) {
    throw new ShapeError({ what: 'memory to copy from', value: sizes(from), expected: `one of sizes ${sizes(to)}` });
  }
  for (const [name, index, { shape }] of [
    ['row', row, to],
    ['row to copy from', fromRow, from],
  ] as const) {
    if (Number.isSafeInteger(index) && index >= 0 && index < shape.B) continue;
    throw new ShapeError({ what: name, value: index, expected: `0 to ${shape.B - 1}` });
  }
}

/** Saves one row by way of a memory of its own, which `make` makes. */
export async function saveRow(memory: Memory, row: number, make: () => Memory, exact: boolean): Promise<SavedMemory> {
  const lane = make();
  try {
    lane.copyRow(0, memory, row);
    return await lane.save({ exact });
  } finally {
    lane.dispose();
  }
}

/** @throws ConfigError where one position would not do for all rows */
export function checkEven(what: string, counts: readonly number[]): void {
  if (counts.every((count) => count === counts[0])) return;
  throw new ConfigError({
    what: `${what} of the rows to be saved`,
    value: counts,
    expected: 'the same for all',
    remedy: 'Save rows that went their own ways one by one, with the option row.',
  });
}

/** How rows of a stream are read. */
export interface RowReader<M extends Memory> {
  /** T tokens for all rows, or one for those that are `active`. */
  readonly read: (tape: Tape, inputs: AttentionInputs, memory: M, active: readonly boolean[] | undefined) => Variable;
  /** A memory of one row. */
  readonly lane: (memory: M) => M;
}

/**
 * The next tokens of a stream, `lengths` of them for each row. What is shorter than the rest is read alone, so that it comes
 * out as if it were.
 */
export function streamRows<M extends Memory>(
  tape: Tape,
  inputs: AttentionInputs,
  memory: M,
  lengths: readonly number[] | undefined,
  { read, lane }: RowReader<M>,
): Variable {
  if (tape.recording)
    throw new ConfigError({
      what: 'record of the tape',
      value: true,
      expected: 'false for a stream',
      remedy: 'Use sequence() to train.',
    });
  checkStream(inputs, memory.shape);
  const [B, T, H] = inputs.q.value.shape as [number, number, number, number];
  if (lengths) checkLengths(lengths, B, T);
  if (!lengths || lengths.every((length) => length === T)) return read(tape, inputs, memory, undefined);
  if (T === 1) return read(tape, inputs, memory, lengths.map((length) => length === 1)); // prettier-ignore
  const { e } = memory.shape;
  const y = tape.result([B, T, H, e], []);
  tape.kernels.fill({ value: 0, y: y.value });
  const one = lane(memory);
  try {
    for (let row = 0; row < B; row++) {
      const length = lengths[row]!;
      if (length === 0) continue;
      one.copyRow(0, memory, row);
      tape.backend.scope(() => {
        const answer = read(tape, rowOf(tape, inputs, row, length), one, undefined);
        const all = tape.backend.view(y.value, [1, B * T, H * e]);
        const x = tape.backend.view(answer.value, [1, length, H * e]);
        tape.kernels.copyBlock({ x, to: row * T, count: length, y: all });
      });
      memory.copyRow(row, one, 0);
    }
  } finally {
    one.dispose();
  }
  return y;
}

/** The first `length` tokens of one row. */
function rowOf(tape: Tape, inputs: AttentionInputs, row: number, length: number): AttentionInputs {
  const { q, k, v, logGate, phases, reset, own } = inputs;
  const part = (x: Tensor): Tensor => {
    const [B, T, ...rest] = x.shape as [number, number, ...number[]];
    const y = tape.backend.empty([1, length, ...rest], x.dtype);
    tape.kernels.copyBlock({ x: tape.backend.view(x, [1, B * T, ...rest]), from: row * T, count: length, y });
    return y;
  };
  const rows = (x: Variable): Variable => ({ value: part(x.value), requiresGradient: false });
  const beta = phases?.beta && rows(phases.beta);
  return {
    ...{ q: rows(q), k: rows(k), v: rows(v), logGate: logGate && rows(logGate) },
    phases: phases && { ...phases, beta },
    reset: reset && part(reset),
    own: ownRows(own, rows),
  };
}

/** Rows [from, from + count) of axis 1 of everything that has a row per token, but for phases. */
export function tokensOf(
  tape: Tape,
  { q, k, v, logGate, reset, own }: AttentionInputs,
  from: number,
  count: number,
): AttentionInputs {
  const rows = (x: Variable) => sliceRows(tape, x, from, count);
  let part = reset;
  if (reset) {
    part = tape.empty([reset.shape[0] as number, count], 'int32');
    tape.kernels.copyBlock({ x: reset, from, count, y: part });
  }
  return {
    q: rows(q),
    k: rows(k),
    v: rows(v),
    logGate: logGate && rows(logGate),
    reset: part,
    own: ownRows(own, rows),
  };
}

/** What a kind reads for itself, cut where it has a row per token. */
export function ownRows(own: AttentionInputs['own'], rows: (x: Variable) => Variable): AttentionInputs['own'] {
  const cut = (x: Variable) => (x.value.shape.length > 2 ? rows(x) : x);
  return own && Object.fromEntries(Object.entries(own).map(([name, x]) => [name, cut(x)]));
}

function checkLengths(lengths: readonly number[], B: number, T: number): void {
  if (lengths.length !== B) {
    throw new ShapeError({ what: 'lengths', value: lengths.length, expected: `${B} numbers, one for each row` });
  }
  for (const length of lengths) {
    if (Number.isSafeInteger(length) && length >= 0 && length <= T) continue;
    throw new ShapeError({ what: 'tokens of a row', value: length, expected: `a whole number from 0 to ${T}` });
  }
}
