import { constant, parameter, Tape, type Variable } from '@sympow/autograd';
import { ConfigError, js, ShapeError, type Backend } from '@sympow/kernels';
import { relativeError } from '@sympow-tools/tiny';
import { describe, expect, it } from 'vitest';
import type { AttentionInputs, MemoryShape, SavedMemory } from './api';
import { fixedTheta, frequencies } from './phases';
import { sliceInputs } from './runForms.cases';
import { Numbers, type Leaf } from './sequences.cases';
import type { SoftmaxMemory } from './cache';
import { softmaxRecurrence } from './softmaxRecurrence';

const exact = await js({ float: 'float64' }).open();
const single = await js().open();
const recurrence = softmaxRecurrence();

const [B, H, G, d, e] = [2, 4, 2, 4, 3];
const horizon = 500;

interface Case {
  readonly name: string;
  readonly T: number;
  readonly gated: boolean;
  readonly turned: boolean;
  readonly window?: number;
  /** Gates by channel, and one beside them for the score. */
  readonly channels?: 'alone' | 'beside one';
}

const cases: readonly Case[] = [
  { name: 'plain', T: 90, gated: false, turned: false },
  { name: 'turned', T: 90, gated: false, turned: true },
  { name: 'gated', T: 90, gated: true, turned: false },
  { name: 'gated and turned', T: 90, gated: true, turned: true },
  { name: 'a window, turned', T: 150, gated: false, turned: true, window: 7 },
  { name: 'a window of 70, gated and turned', T: 150, gated: true, turned: true, window: 70 },
  { name: 'a window of one', T: 20, gated: true, turned: true, window: 1 },
  { name: 'gates by channel', T: 90, gated: true, turned: false, channels: 'alone' },
  { name: 'gates by channel and one for the score, turned', T: 90, gated: true, turned: true, channels: 'beside one' },
  { name: 'gates by channel in a window', T: 90, gated: true, turned: false, channels: 'beside one', window: 20 },
  { name: 'a window longer than the text', T: 90, gated: true, turned: false, window: 200 },
];

type Leaves = Record<'q' | 'k' | 'v', Leaf> & { logGate?: Leaf; scoreGate?: Leaf };

function leavesOf({ name, T, gated, channels }: Case): Leaves {
  const numbers = new Numbers(`softmax ${name}`);
  const leaves = { q: numbers.normal([B, T, H, d]), k: numbers.normal([B, T, G, d]), v: numbers.normal([B, T, G, e]) };
  if (!gated) return leaves;
  const logGate = numbers.uniform([B, T, G, ...(channels ? [d] : [])], -1, 0);
  return { ...leaves, logGate, ...(channels === 'beside one' && { scoreGate: numbers.uniform([B, T, G], -1, 0) }) };
}

/** exp(Σ_c q_c k_c ∏ γ_c / √d + Σ log γ), normalised over the last tokens: by double loop. */
function define(kase: Case, { q, k, v, logGate, scoreGate }: Leaves, reset?: ArrayLike<number>): Float64Array {
  const { T, turned, channels, window = T } = kase;
  const theta = turned ? frequencies(d, horizon, 1) : new Float64Array(d / 2);
  const turn = (x: ArrayLike<number>, from: number, t: number): number[] =>
    Array.from({ length: d }, (_, c) => {
      const angle = (t + 1) * theta[Math.floor(c / 2)]!;
      const [even, odd] = [x[from + c - (c % 2)]!, x[from + c - (c % 2) + 1]!];
      return c % 2 === 0
        ? even * Math.cos(angle) - odd * Math.sin(angle)
        : even * Math.sin(angle) + odd * Math.cos(angle);
    });
  const out = new Float64Array(B * T * H * e);
  for (let b = 0; b < B; b++) {
    for (let h = 0; h < H; h++) {
      const g = Math.floor((h * G) / H);
      for (let t = 0; t < T; t++) {
        const at = ((b * T + t) * H + h) * e;
        const query = turn(q.data, ((b * T + t) * H + h) * d, t);
        const kept = new Array<number>(d).fill(1);
        let [total, seen] = [0, 1];
        for (let j = t; j > Math.max(-1, t - window); j--) {
          const token = (b * T + j) * G + g;
          const key = turn(k.data, token * d, j);
          const score = query.reduce((sum, x, c) => sum + x * key[c]! * kept[c]!, 0) / Math.sqrt(d);
          const weight = seen * Math.exp(score);
          total += weight;
          for (let f = 0; f < e; f++) out[at + f] = out[at + f]! + weight * v.data[token * e + f]!;
          for (let c = 0; c < d; c++) if (channels) kept[c] = kept[c]! * Math.exp(logGate!.data[token * d + c]!);
          const added = channels ? scoreGate : logGate;
          seen *= reset?.[b * T + j] ? 0 : Math.exp(added?.data[token] ?? 0);
        }
        for (let f = 0; f < e; f++) out[at + f] = out[at + f]! / total;
      }
    }
  }
  return out;
}

function inputsOf(backend: Backend, { turned }: Case, leaves: Leaves): AttentionInputs & Record<string, unknown> {
  const variables = Object.fromEntries(
    Object.entries(leaves).map(([name, { data, shape }]) => [name, parameter(backend.upload(data, shape))]),
  ) as Record<keyof Leaves, Variable>;
  const own = variables.scoreGate && { logGate: variables.scoreGate };
  return { ...variables, own, phases: turned ? fixedTheta(backend, d, horizon, G) : undefined };
}

const shapeOf = ({ gated, turned, channels }: Case): MemoryShape => ({
  ...{ B, G, d, e, phases: turned },
  gateWidth: channels ? d : gated ? 1 : 0,
});

/** Reads from the memory's position to `end` in pieces, and collects [B, T, H, e]. */
const recurrenceOf = ({ window, channels }: Case) => softmaxRecurrence({ window, channels: channels !== undefined });

async function read(backend: Backend, kase: Case, memory: SoftmaxMemory, rhythm: readonly number[], end = kase.T) {
  const inputs = inputsOf(backend, kase, leavesOf(kase));
  const y = backend.empty([B, kase.T, H, e]);
  backend.kernels.fill({ value: 0, y });
  for (let i = 0; memory.position < end; i++) {
    const from = memory.position;
    const count = Math.min(rhythm[i % rhythm.length]!, end - from);
    backend.scope(() => {
      const tape = new Tape(backend, { record: false });
      const answer = recurrenceOf(kase).stream(tape, sliceInputs(tape, inputs, from, count), memory);
      backend.kernels.copyBlock({ x: answer.value, to: from, count, y });
    });
  }
  return y.read();
}

const rhythms = [[1], [2], [63], [64], [65], [130], [1, 30, 7], [1, 1, 70, 3]].map((rhythm) => ({ rhythm }));

describe.each(cases)('softmax attention, $name', (kase) => {
  const leaves = leavesOf(kase);
  const recurrence = recurrenceOf(kase);
  const expected = define(kase, leaves);

  it('is the definition, and so are its gradients', () => {
    const tape = new Tape(exact);
    const inputs = inputsOf(exact, kase, leaves);
    const y = tape.keep(recurrence.sequence(tape, inputs).y);
    expect(relativeError(exact.readSync!(y.value), expected)).toBeLessThan(1e-12);
    const weights = new Numbers('softmax loss').normal(y.value.shape).data;
    tape.backward([[y, exact.upload(weights, y.value.shape)]]);
    for (const [name, leaf] of Object.entries(leaves)) {
      const direction = new Numbers(`softmax ${name}`).normal(leaf.shape).data;
      const loss = (step: number) => {
        const moved = { ...leaf, data: leaf.data.map((x, i) => x + step * direction[i]!) };
        return define(kase, { ...leaves, [name]: moved }).reduce((sum, x, i) => sum + x * weights[i]!, 0);
      };
      const slope = (8 * (loss(1e-4) - loss(-1e-4)) - (loss(2e-4) - loss(-2e-4))) / 12e-4;
      const gradient = Float64Array.from(exact.readSync!(tape.gradient(inputs[name] as Variable)!));
      const along = gradient.reduce((sum, x, i) => sum + x * direction[i]!, 0);
      expect(Math.abs(along - slope), name).toBeLessThan(1e-7 * Math.hypot(...gradient) + 1e-9);
    }
  });

  it.each(rhythms)('as a stream in pieces of $rhythm', async ({ rhythm }) => {
    for (const [backend, limit] of [
      [exact, 1e-12],
      [single, 1e-5],
    ] as const) {
      const y = await read(backend, kase, recurrence.memory(backend, shapeOf(kase)), rhythm);
      expect(relativeError(y, expected)).toBeLessThan(limit);
    }
  });

  it('saved and restored at any position goes on', async () => {
    for (const position of [0, 1, 31, 64, 89].filter((each) => each < kase.T)) {
      const first = recurrence.memory(exact, shapeOf(kase));
      const before = await read(exact, kase, first, [1], position);
      const second = recurrence.memory(exact, shapeOf(kase), await first.save());
      const after = await read(exact, kase, second, [1, 9]);
      expect(
        relativeError(
          before.map((x, i) => x + after[i]!),
          expected,
        ),
      ).toBeLessThan(1e-12);
    }
  });

  it('saved as it stands goes on to the last bit as if it had not been', async () => {
    const whole = await read(single, kase, recurrence.memory(single, shapeOf(kase)), [1]);
    for (const position of [1, 31, 64, 100].filter((each) => each < kase.T)) {
      const first = recurrence.memory(single, shapeOf(kase));
      const before = await read(single, kase, first, [1], position);
      const second = recurrence.memory(single, shapeOf(kase), await first.save({ exact: true }));
      const after = await read(single, kase, second, [1]);
      expect(before.map((x, i) => x + after[i]!)).toEqual(whole);
    }
  });
});

describe('the cache of keys and values', () => {
  it('doubles when it is full, and holds nothing else', () => {
    const shape = { B: 1, G: 1, d: 2, e: 2, phases: false, gateWidth: 1 };
    const memory = recurrence.memory(single, shape);
    const row = (...axes: number[]) => constant(single.upload(new Float32Array(axes.reduce((a, b) => a * b)), axes));
    const piece = (T: number) => ({
      q: row(1, T, 1, 2),
      k: row(1, T, 1, 2),
      v: row(1, T, 1, 2),
      logGate: row(1, T, 1),
    });
    const live = single.memory().liveBuffers;
    const capacities = [];
    for (const T of [1, 200, 55, 1, 255, 1, 2000]) {
      single.scope(() => recurrence.stream(new Tape(single, { record: false }), piece(T), memory));
      capacities.push(memory.cache.k.shape[1]);
      expect(memory.bytes).toBe(4 * 5 * memory.cache.k.shape[1]!);
      expect(memory.bytes).toBeGreaterThanOrEqual(recurrence.memoryBytes(shape, memory.position));
    }
    expect(capacities).toEqual([256, 256, 256, 512, 512, 1024, 2513]);
    expect(single.memory().liveBuffers).toBe(live);
  });
});

describe('the cache of a window', () => {
  const shape = { B: 1, G: 1, d: 2, e: 2, phases: false, gateWidth: 1 };
  const ones = (...axes: number[]) => constant(single.upload(new Float32Array(axes.reduce((a, b) => a * b)), axes));
  const piece = (T: number) => ({
    q: ones(1, T, 1, 2),
    k: ones(1, T, 1, 2),
    v: ones(1, T, 1, 2),
    logGate: ones(1, T, 1),
  });

  it('has one size whatever was read, and asks for no memory per token', () => {
    const windowed = softmaxRecurrence({ window: 10 });
    const memory = windowed.memory(single, shape);
    const bytes = windowed.memoryBytes(shape, 1_000_000);
    const readOn = (T: number, times: number) => {
      const next = piece(T);
      for (let i = 0; i < times; i++) {
        single.scope(() => windowed.stream(new Tape(single, { record: false }), next, memory));
        expect(memory.bytes).toBe(bytes);
      }
      for (const x of Object.values(next)) x.value.dispose();
      return single.memory();
    };
    readOn(300, 1);
    const warm = readOn(1, 40);
    const later = readOn(1, 300);
    expect([later.liveBuffers, later.liveBytes, later.allocations]).toEqual([
      warm.liveBuffers,
      warm.liveBytes,
      warm.allocations,
    ]);
    memory.dispose();
  });

  it('saves what a later token sees, and takes no other', async () => {
    const windowed = softmaxRecurrence({ window: 10 });
    const memory = windowed.memory(single, shape);
    single.scope(() => windowed.stream(new Tape(single, { record: false }), piece(33), memory));
    const saved = await memory.save();
    expect([saved.position, saved.tensors.k!.shape]).toEqual([33, [1, 9, 1, 2]]);
    const wider = softmaxRecurrence({ window: 40 });
    expect(() => wider.memory(single, shape, saved)).toThrow(
      /^tokens in the saved cache is 9; expected 33 to 33 for a window of 40/,
    );
    expect(() => wider.memory(single, shape).copyRow(0, memory, 0)).toThrow(/^window of the memory to copy from is 10/);
  });

  it.each([0, -1, 1.5, NaN])('cannot be made for a window of %d', (window) => {
    expect(() => softmaxRecurrence({ window })).toThrow(ConfigError);
  });
});

describe('softmax attention refuses', () => {
  const kase = cases[3]!;
  const inputs = inputsOf(exact, kase, leavesOf(kase));
  const tape = new Tape(exact, { record: false });

  it('states, which it does not have', () => {
    expect(() => recurrence.sequence(tape, inputs, { finalState: true })).toThrow(ConfigError);
  });

  it('vector gates', () => {
    const logGate = constant(exact.upload(new Float64Array(B * kase.T * G * d), [B, kase.T, G, d]));
    expect(() => recurrence.sequence(tape, { ...inputs, logGate })).toThrow(
      /^gates per token and head is 4; expected at most 1/,
    );
    expect(() => recurrence.memory(exact, { ...shapeOf(kase), gateWidth: d })).toThrow(ConfigError);
  });

  it('a memory that does not fit the inputs', () => {
    const memory = recurrence.memory(exact, { ...shapeOf(kase), gateWidth: 0 });
    expect(() => recurrence.stream(tape, inputs, memory)).toThrow(/^the memory is "without gates"/);
    expect(() => recurrence.stream(new Tape(exact), inputs, memory)).toThrow(ConfigError);
    expect(memory.position).toBe(0);
  });

  it('what a power layer or another shape has saved', async () => {
    const saved: SavedMemory = { position: 3, tensors: { S: { shape: [1], data: new Float32Array(1) } } };
    expect(() => recurrence.memory(exact, shapeOf(kase), saved)).toThrow(/^the saved memory is "without k"/);
    const memory = recurrence.memory(exact, shapeOf(kase));
    expect(() => recurrence.memory(exact, { ...shapeOf(kase), e: 9 }, { ...saved, tensors: {} })).toThrow(ConfigError);
    const own = await memory.save();
    expect(() => recurrence.memory(exact, { ...shapeOf(kase), B: 1 }, own)).toThrow(ShapeError);
  });
});
