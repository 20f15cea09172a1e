import { constant, Tape, type Variable } from '@sympow/autograd';
import { defineRecurrence } from '@sympow/conformance';
import { ConfigError, js, ShapeError, type Backend, type Tensor } from '@sympow/kernels';
import { relativeError } from '@sympow-tools/tiny';
import { describe, expect, it } from 'vitest';
import type { AttentionInputs, MemoryShape, SavedMemory } from './api';
import { powerRecurrence } from './powerRecurrence';
import { sliceInputs, variablesOf } from './runForms.cases';
import { inputLeaves, sequenceOf, type Leaves, type SequenceCase } from './sequences.cases';
import type { PowerMemory } from './powerMemory';
import { windowLength } from './window';

const exact = await js({ float: 'float64' }).open();
const single = await js().open();

const sizes = { B: 1, T: 150, H: 2, G: 1, d: 4, e: 3 };
const cases: readonly SequenceCase[] = [
  { ...sizes, B: 2, name: 'p = 2, data gates and phases', power: 2, normalizer: 'sum', gate: 'data', phase: 'data' },
  { ...sizes, name: 'p = 2, no gates, fixed phases', power: 2, normalizer: 'sum', gate: 'none', phase: 'fixed' },
  { ...sizes, name: 'p = 4, vector gates, pair phases', power: 4, normalizer: 'sum', gate: 'vector', phase: 'pair' },
  { ...sizes, name: 'p = 4, fixed gates, no phases', power: 4, normalizer: 'sum', gate: 'fixed', phase: 'none' },
  {
    ...sizes,
    name: 'p = 3, learned gates and phases',
    power: 3,
    normalizer: 'none',
    gate: 'learned',
    phase: 'learned',
  },
];

/** Piece sizes, repeated until the sequence ends. */
const rhythms = [[1], [2], [63], [64], [65], [130], [150], [1, 1, 70, 2, 64, 1, 5, 33], [3, 61, 1, 64]].map(
  (rhythm) => ({
    rhythm,
  }),
);

function memoryShape({ B, G, d, e, gate, phase }: SequenceCase): MemoryShape {
  const gateWidth = gate === 'none' ? 0 : gate === 'vector' ? d : 1;
  return { B, G, d, e, phases: phase !== 'none', gateWidth };
}

/** A stream over a case: reads the next pieces and collects the answers [B, T, H, e]. */
class Reader {
  readonly y: Tensor;
  private readonly inputs: AttentionInputs;

  constructor(
    readonly backend: Backend,
    readonly kase: SequenceCase,
    leaves: Leaves,
    public memory: PowerMemory,
    readonly reset?: Tensor,
  ) {
    const { B, T, H, e } = kase;
    this.y = backend.empty([B, T, H, e]);
    backend.kernels.fill({ value: NaN, y: this.y });
    this.inputs = variablesOf(backend, kase, leaves).inputs(new Tape(backend, { record: false }));
  }

  get recurrence() {
    const { power, normalizer } = this.kase;
    return powerRecurrence({ power, normalizer });
  }

  /** The next `count` tokens, or as many as are left. */
  read(count: number): void {
    const { backend, memory } = this;
    const from = memory.position;
    const rows = Math.min(count, this.kase.T - from);
    backend.scope(() => {
      const tape = new Tape(backend, { record: false });
      const piece = sliceInputs(tape, this.inputs, from, rows);
      const answer = this.recurrence.stream(tape, { ...piece, reset: this.resets(from, rows) }, memory);
      backend.kernels.copyBlock({ x: answer.value, to: from, count: rows, y: this.y });
    });
  }

  readAll(rhythm: readonly number[]): void {
    for (let i = 0; this.memory.position < this.kase.T; i++) this.read(rhythm[i % rhythm.length]!);
  }

  private resets(from: number, count: number): Tensor | undefined {
    if (!this.reset) return undefined;
    const rows = this.backend.empty([this.kase.B, count], 'int32');
    this.backend.kernels.copyBlock({ x: this.reset, from, count, y: rows });
    return rows;
  }
}

function open(
  backend: Backend,
  kase: SequenceCase,
  leaves = inputLeaves(kase),
  saved?: SavedMemory,
  reset?: Tensor,
): Reader {
  const { power, normalizer } = kase;
  const memory = powerRecurrence({ power, normalizer }).memory(backend, memoryShape(kase), saved);
  return new Reader(backend, kase, leaves, memory, reset);
}

const phaseError = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((max, x, i) => Math.max(max, Math.abs(x - b[i]! - Math.round(x - b[i]!))), 0);

describe.each(cases)('a stream: $name', (kase) => {
  const leaves = inputLeaves(kase);
  const expected = defineRecurrence(sequenceOf(kase, leaves));

  it.each(rhythms)('in pieces of $rhythm is the sequence, and leaves its state', async ({ rhythm }) => {
    const reader = open(exact, kase, leaves);
    reader.readAll(rhythm);
    const { position, tensors } = await reader.memory.save();
    expect(position).toBe(kase.T);
    expect(relativeError(await reader.y.read(), expected.y)).toBeLessThan(1e-9);
    expect(relativeError(tensors.S!.data, expected.S)).toBeLessThan(1e-9);
    expect(relativeError(tensors.Z!.data, expected.Z)).toBeLessThan(1e-9);
    if (kase.phase !== 'none') expect(phaseError(tensors.phase!.data, expected.phase)).toBeLessThan(1e-9);
  });

  it.each(rhythms)('in float32, in pieces of $rhythm', async ({ rhythm }) => {
    const reader = open(single, kase, leaves);
    reader.readAll(rhythm);
    expect(relativeError(await reader.y.read(), expected.y)).toBeLessThan(kase.power <= 2 ? 1e-5 : 1e-4);
  });

  it('saved and restored at any position goes on with the same numbers', async () => {
    for (const [backend, limit, positions] of [
      [exact, 1e-9, [0, 1, 2, 31, 63, 64, 65, 100, 149]],
      [single, kase.power <= 2 ? 1e-4 : 1e-1, [31, 65]],
    ] as const) {
      for (const position of positions) {
        const first = open(backend, kase, leaves);
        while (first.memory.position < position) first.read(1);
        const second = open(backend, kase, leaves, await first.memory.save());
        expect(second.memory.position).toBe(position);
        while (second.memory.position < kase.T) second.read(second.memory.position % 3 === 0 ? 1 : 10);
        const rest = <X extends ArrayLike<number>>(y: X) =>
          Array.from(y).filter((_, i) => Math.floor(i / (kase.H * kase.e)) % kase.T >= position);
        expect(
          relativeError(rest(await second.y.read()), rest(expected.y)),
          `${backend.name} at ${position}`,
        ).toBeLessThan(limit);
      }
    }
  });

  it('saved as it stands goes on to the last bit as if it had not been', async () => {
    const whole = open(single, kase, leaves);
    whole.read(70);
    while (whole.memory.position < kase.T) whole.read(1);
    const after = (from: number, y: ArrayLike<number>) =>
      Array.from(y).filter((_, i) => Math.floor(i / (kase.H * kase.e)) % kase.T >= from);
    for (const position of [70, 71, 127, 128, 129, 149]) {
      const first = open(single, kase, leaves);
      first.read(70);
      while (first.memory.position < position) first.read(1);
      const second = open(single, kase, leaves, await first.memory.save({ exact: true }));
      while (second.memory.position < kase.T) second.read(1);
      expect(after(position, await second.y.read()), `at ${position}`).toEqual(after(position, await whole.y.read()));
    }
  });

  it('is not disturbed by saving', async () => {
    const [quiet, saved] = [open(single, kase, leaves), open(single, kase, leaves)];
    for (let i = 0; i < 70; i++) {
      quiet.read(1);
      saved.read(1);
      await saved.memory.save();
    }
    expect(await saved.y.read()).toEqual(await quiet.y.read());
  });

  it('takes the bytes that it says, whatever it has read', () => {
    const before = single.memory();
    const { memory } = open(single, kase, leaves);
    const { S, Z, phase, window } = memory;
    const tensors = [S, Z, phase, window.k, window.v, window.logGate].filter((tensor) => tensor !== undefined);
    const bytes = tensors.reduce((sum, { size }) => sum + 4 * size, 0);
    expect(memory.bytes).toBe(bytes);
    expect(powerRecurrence(kase).memoryBytes(memoryShape(kase), 1_000_000)).toBe(bytes);
    memory.dispose();
    expect(tensors.every(({ disposed }) => disposed)).toBe(true);
    expect(single.memory().peakBytes - before.liveBytes).toBeGreaterThanOrEqual(bytes);
  });
});

describe('a stream that goes on and on', () => {
  it('holds the same buffers and asks for no memory per token, from the second window on', () => {
    const kase = cases[0]!;
    const { B, H, G, d, e } = kase;
    const recurrence = powerRecurrence(kase);
    const memory = recurrence.memory(single, memoryShape(kase));
    const row = (shape: number[], value: number): Variable => {
      const tensor = single.empty(shape);
      single.kernels.fill({ value, y: tensor });
      return constant(tensor);
    };
    const { phases } = variablesOf(single, kase, inputLeaves(kase)).inputs(new Tape(single, { record: false }));
    const token: AttentionInputs = {
      q: row([B, 1, H, d], 0.3),
      k: row([B, 1, G, d], 0.2),
      v: row([B, 1, G, e], 1),
      logGate: row([B, 1, G], -0.01),
      phases: { ...phases!, beta: row([B, 1, G], 1.2) },
    };
    const read = (tokens: number) => {
      for (let i = 0; i < tokens; i++) {
        single.scope(() => recurrence.stream(new Tape(single, { record: false }), token, memory));
      }
      return single.memory();
    };
    const warm = read(2 * windowLength);
    const later = read(1000);
    expect(later.liveBuffers).toBe(warm.liveBuffers);
    expect(later.liveBytes).toBe(warm.liveBytes);
    expect(later.allocations).toBe(warm.allocations);
    expect(later.peakBytes).toBe(warm.peakBytes);
  });
});

describe('documents in a stream', () => {
  const begins = [1, 50, 64, 129, 130];
  const flags = (T: number, B: number) => Int32Array.from({ length: B * T }, (_, i) => Number(begins.includes(i % T)));

  it.each(cases.filter(({ gate }) => gate !== 'none'))('are kept apart: $name', async (kase) => {
    const { B, T } = kase;
    const leaves = inputLeaves(kase);
    const expected = defineRecurrence({ ...sequenceOf(kase, leaves), reset: flags(T, B) });
    for (const rhythm of [[1], [64], [130], [5, 60]]) {
      const reader = open(exact, kase, leaves, undefined, exact.upload(flags(T, B), [B, T]));
      reader.readAll(rhythm);
      expect(relativeError(await reader.y.read(), expected.y), `pieces of ${rhythm.join()}`).toBeLessThan(1e-9);
    }
  });

  it('need a memory with gates, and say so before anything has moved', () => {
    const kase = cases[1]!;
    for (const count of [1, 2, 63, 64, 130]) {
      const reader = open(exact, kase, undefined, undefined, exact.upload(flags(kase.T, kase.B), [kase.B, kase.T]));
      expect(() => reader.read(count)).toThrow(
        new ConfigError({
          what: 'the memory',
          value: 'without gates',
          expected: 'one with gateWidth 1, for resets',
          remedy: 'Begin each document with a fresh memory.',
        }),
      );
      expect(reader.memory.position).toBe(0);
    }
  });
});

describe('a stream refuses', () => {
  const kase = cases[0]!;
  const tape = new Tape(exact, { record: false });
  const { inputs } = variablesOf(exact, kase, inputLeaves(kase));
  const recurrence = powerRecurrence(kase);
  const memory = (changes: Partial<MemoryShape> = {}) => recurrence.memory(exact, { ...memoryShape(kase), ...changes });

  it('a tape that records', () => {
    expect(() => recurrence.stream(new Tape(exact), inputs(tape), memory())).toThrow(
      /^record of the tape is true; expected false/,
    );
  });

  it.each([
    ['phases for a memory without', { phases: false }, {}, /^the memory is "without phases"; expected one with/],
    [
      'no phases for a memory with them',
      {},
      { phases: undefined },
      /^the memory is "with phases"; expected one without/,
    ],
    [
      'gates for a memory without',
      { gateWidth: 0 },
      {},
      /^the memory is "without gates"; expected one with gateWidth 1, for gates/,
    ],
    [
      'scalar gates for a memory of vector gates',
      { gateWidth: 4 },
      {},
      /^the memory is "with gateWidth 4"; expected one with gateWidth 1/,
    ],
  ])('%s', (_, shape, changes, message) => {
    const target = memory(shape);
    expect(() => recurrence.stream(tape, { ...inputs(tape), ...changes }, target)).toThrow(message);
    expect(target.position).toBe(0);
  });

  it('a saved memory that lacks a tensor or has another shape', async () => {
    const saved = await memory().save();
    const { Z: _, ...rest } = saved.tensors;
    expect(() => recurrence.memory(exact, memoryShape(kase), { ...saved, tensors: rest })).toThrow(
      /^the saved memory is "without Z"/,
    );
    expect(() => powerRecurrence({ power: 4 }).memory(exact, memoryShape(kase), saved)).toThrow(ShapeError);
    const row = { shape: [2, 64, 1, 4], data: new Float32Array(2 * 64 * 4) };
    expect(() =>
      recurrence.memory(exact, memoryShape(kase), { ...saved, tensors: { ...saved.tensors, windowK: row } }),
    ).toThrow(/^tokens in the saved window is 64; expected fewer than 64/);
  });
});
