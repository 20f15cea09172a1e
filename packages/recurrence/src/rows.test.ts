import { constant, Tape, type Variable } from '@sympow/autograd';
import { js, type Backend, type Tensor } from '@sympow/kernels';
import { describe, expect, it } from 'vitest';
import type { AttentionInputs, Memory, MemoryShape, Recurrence } from './api';
import { fixedTheta } from './phases';
import { powerRecurrence } from './powerRecurrence';
import { Numbers } from './sequences.cases';
import { softmaxRecurrence } from './softmaxRecurrence';

const single = await js().open();
const [H, G, d, e] = [2, 1, 4, 3];

interface Kind {
  readonly name: string;
  readonly recurrence: Recurrence;
  readonly gateWidth: number;
  readonly phases: boolean;
}

const kinds: readonly Kind[] = [
  { name: 'power, gates and phases', recurrence: powerRecurrence({ power: 2 }), gateWidth: 1, phases: true },
  { name: 'power, p = 4, vector gates', recurrence: powerRecurrence({ power: 4 }), gateWidth: d, phases: false },
  { name: 'power, no gates', recurrence: powerRecurrence({ power: 2 }), gateWidth: 0, phases: true },
  { name: 'softmax, gates and phases', recurrence: softmaxRecurrence(), gateWidth: 1, phases: true },
  { name: 'softmax', recurrence: softmaxRecurrence(), gateWidth: 0, phases: false },
  { name: 'wall', recurrence: softmaxRecurrence({ channels: true }), gateWidth: d, phases: false },
  { name: 'window', recurrence: softmaxRecurrence({ window: 33 }), gateWidth: 1, phases: true },
  {
    name: 'window longer than the cache is spare',
    recurrence: softmaxRecurrence({ window: 90 }),
    gateWidth: 0,
    phases: true,
  },
];

/** A text: token t of it has the same numbers wherever it is read. */
interface Text {
  readonly q: ArrayLike<number>;
  readonly k: ArrayLike<number>;
  readonly v: ArrayLike<number>;
  readonly logGate: ArrayLike<number>;
  readonly beta: ArrayLike<number>;
}

function textOf(name: string, length: number): Text {
  const noise = (part: string, size: number) => new Numbers(`rows ${name} ${part}`).normal([length, size]).data;
  const gates = noise('gates', G * d);
  return {
    q: noise('q', H * d),
    k: noise('k', G * d),
    v: noise('v', G * e),
    logGate: Array.from(gates, (x) => -0.1 * Math.abs(x)),
    beta: Array.from(noise('beta', G), (x) => 1 + 0.5 * Math.tanh(x)),
  };
}

/** Where a text stands, and what was answered to it so far. */
class Reading {
  at = 0;
  readonly answers: number[] = [];

  constructor(readonly text: Text) {}
}

/** T tokens of every row: those of a text from where it stands, NaN where a row has none. */
function piece(backend: Backend, { gateWidth, phases }: Kind, rows: readonly (Reading | undefined)[], T: number) {
  const tensor = (name: keyof Text, width: number, axes: readonly number[]): Variable => {
    const data = rows.flatMap((row) =>
      Array.from({ length: T * width }, (_, i) => row?.text[name][row.at * width + i] ?? NaN),
    );
    return constant(backend.upload(data, [rows.length, T, ...axes]));
  };
  const inputs: AttentionInputs = {
    q: tensor('q', H * d, [H, d]),
    k: tensor('k', G * d, [G, d]),
    v: tensor('v', G * e, [G, e]),
    logGate: gateWidth > 0 ? tensor('logGate', G * gateWidth, gateWidth === d ? [G, d] : [G]) : undefined,
    phases: phases ? { ...fixedTheta(backend, d, 64, G), beta: tensor('beta', G, [G]) } : undefined,
  };
  return inputs;
}

/** Reads the next tokens of each row, `lengths` of them. */
function read(kind: Kind, memory: Memory, rows: readonly (Reading | undefined)[], lengths: readonly number[]): void {
  const T = Math.max(1, ...lengths);
  single.scope(() => {
    const tape = new Tape(single, { record: false });
    const inputs = piece(single, kind, rows, T);
    const y: Tensor = kind.recurrence.stream(tape, inputs, memory, lengths).value;
    const answers = single.readSync!(y);
    rows.forEach((row, b) => {
      if (!row) return;
      const first = b * T * H * e;
      row.answers.push(...answers.subarray(first, first + lengths[b]! * H * e));
      row.at += lengths[b]!;
    });
  });
}

const shapeOf = ({ gateWidth, phases }: Kind, B: number): MemoryShape => ({ B, G, d, e, phases, gateWidth });

/** What a text gets alone: its first tokens at once, the others one by one. */
function alone(kind: Kind, text: Text, first: number, more: number): number[] {
  const reading = new Reading(text);
  const memory = kind.recurrence.memory(single, shapeOf(kind, 1));
  read(kind, memory, [reading], [first]);
  for (let i = 0; i < more; i++) read(kind, memory, [reading], [1]);
  memory.dispose();
  return reading.answers;
}

describe.each(kinds)('rows of a batch: $name', (kind) => {
  const { recurrence } = kind;
  const lengths = [1, 17, 500, 3000];
  const texts = lengths.map((length, row) => textOf(`${row}`, length + 120));

  it('of lengths 1, 17, 500 and 3,000 get what they get alone, to the last bit', () => {
    const memory = recurrence.memory(single, shapeOf(kind, 4));
    const rows = texts.map((text) => new Reading(text));
    read(kind, memory, rows, lengths);
    expect(memory.positions).toEqual(lengths);
    for (let i = 0; i < 70; i++) read(kind, memory, rows, [1, 1, 1, 1]);
    rows.forEach(({ answers }, row) => expect(answers).toEqual(alone(kind, texts[row]!, lengths[row]!, 70)));
    expect(memory.position).toBe(3070);
    memory.dispose();
  });

  it('rest while others read, leave, and are put in again, to the last bit', async () => {
    const memory = recurrence.memory(single, shapeOf(kind, 3));
    const [a, b, c] = texts.slice(0, 3).map((text) => new Reading(text));
    read(kind, memory, [a, undefined, b], [1, 0, 17]);
    for (let i = 0; i < 30; i++) read(kind, memory, [a, undefined, b], [1, 0, 1]);
    // A third joins: it is read alone and put in.
    const lane = recurrence.memory(single, shapeOf(kind, 1));
    read(kind, lane, [c], [500]);
    memory.copyRow(1, lane, 0);
    for (let i = 0; i < 50; i++) read(kind, memory, [a, c, b], [1, i % 3 === 0 ? 0 : 1, 1]);
    // The first leaves by way of a file, the last moves into its place.
    const saved = await memory.save({ row: 0, exact: true });
    memory.copyRow(0, memory, 2);
    memory.copyRow(2, recurrence.memory(single, shapeOf(kind, 1)), 0);
    for (let i = 0; i < 20; i++) read(kind, memory, [b, c, undefined], [1, 1, 0]);
    const back = recurrence.memory(single, shapeOf(kind, 1), saved);
    memory.copyRow(2, back, 0);
    for (let i = 0; i < 9; i++) read(kind, memory, [b, c, a], [1, 1, 1]);
    for (const [reading, row, first] of [
      [a!, 0, 1],
      [b!, 1, 17],
      [c!, 2, 500],
    ] as const) {
      expect(memory.positions).toContain(reading.at);
      expect(reading.answers, `row ${row}`).toEqual(alone(kind, texts[row]!, first, reading.at - first));
    }
  });

  it('that have padding keep it out of what they remember', async () => {
    const [padded, plain] = [recurrence.memory(single, shapeOf(kind, 2)), recurrence.memory(single, shapeOf(kind, 1))];
    read(kind, padded, [new Reading(texts[2]!), new Reading(texts[1]!)], [90, 33]);
    read(kind, padded, [undefined, undefined], [0, 0]);
    read(kind, plain, [new Reading(texts[1]!)], [33]);
    const [one, other] = [await padded.save({ row: 1, exact: true }), await plain.save({ exact: true })];
    expect(one).toEqual(other);
  });

  it('cannot be saved as one where they stand apart, and say what to do', async () => {
    const memory = recurrence.memory(single, shapeOf(kind, 2));
    read(kind, memory, [new Reading(texts[2]!), new Reading(texts[1]!)], [2, 1]);
    await expect(memory.save()).rejects.toThrow(
      /^positions of the rows to be saved is \[2, 1\]; expected the same for all.*one by one, with the option row/,
    );
  });

  it('are refused where they do not fit, before anything has moved', () => {
    const memory = recurrence.memory(single, shapeOf(kind, 2));
    const rows = [new Reading(texts[2]!), new Reading(texts[1]!)];
    const inputs = piece(single, kind, rows, 2);
    const tape = new Tape(single, { record: false });
    for (const wrong of [[1], [3, 1], [-1, 2], [0.5, 1]]) {
      expect(() => recurrence.stream(tape, inputs, memory, wrong)).toThrow(/lengths|tokens of a row/);
    }
    expect(() => memory.copyRow(2, memory, 0)).toThrow(/^row is 2; expected 0 to 1/);
    expect(() => memory.copyRow(0, memory, -1)).toThrow(/^row to copy from is -1/);
    const other = kinds.find((each) => each.recurrence.kind !== recurrence.kind)!.recurrence;
    expect(() => memory.copyRow(0, other.memory(single, { ...shapeOf(kind, 1), gateWidth: 0 }), 0)).toThrow(/of kind/);
    const larger = recurrence.memory(single, { ...shapeOf(kind, 1), e: e + 1 });
    expect(() => memory.copyRow(0, larger, 0)).toThrow(/^memory to copy from/);
    expect(memory.positions).toEqual([0, 0]);
  });

  it('hold the same buffers and ask for no memory per token, whichever of them read', () => {
    const memory = recurrence.memory(single, shapeOf(kind, 3));
    const start = () => [0, 1, 2].map(() => new Reading(textOf('again', 1)));
    const steps = (count: number) => {
      for (let i = 0; i < count; i++) {
        const rows = start();
        rows.forEach((row) => (row.at = 0));
        read(kind, memory, rows, [1, i % 2, i % 3 === 0 ? 1 : 0]);
      }
      return single.memory();
    };
    // Softmax's cache has room for 256 then.
    const warm = steps(140);
    const later = steps(100);
    expect([later.liveBuffers, later.liveBytes]).toEqual([warm.liveBuffers, warm.liveBytes]);
    expect(later.allocations).toBe(warm.allocations);
    memory.dispose();
  });
});
