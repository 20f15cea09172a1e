import { constant, parameter, Tape, type Variable } from '@sympow/autograd';
import { js, type Backend } from '@sympow/kernels';
import { relativeError } from '@sympow-tools/tiny';
import { describe, expect, it } from 'vitest';
import type { AttentionInputs, Form, MemoryShape } from './api';
import { defineDelta, type DeltaSequence } from './deltaDefinition.cases';
import { deltaRecurrence, type DeltaOptions } from './deltaRecurrence';
import { fixedTheta } from './phases';
import { sliceInputs } from './runForms.cases';
import { Numbers, type Leaf } from './sequences.cases';
import { turn } from './turning';

const exact = await js({ float: 'float64' }).open();
const single = await js().open();

interface Case {
  readonly name: string;
  readonly T: number;
  readonly H?: number;
  /** Largest b. */
  readonly top?: number;
  readonly gated?: boolean;
  readonly state?: boolean;
  /** Changes the numbers. */
  readonly hostile?: (leaves: Leaves) => void;
}

type Leaves = Record<'q' | 'k' | 'v' | 'b', Leaf> & { logGate?: Leaf; S0?: Leaf };

const [B, G, d, e] = [2, 2, 5, 3];

/** Every third of a leaf's numbers is one of these. */
const mixIn = (leaf: Leaf, ...values: number[]) => {
  for (let i = 0; i < leaf.data.length; i += 3) leaf.data[i] = values[(i / 3) % values.length]!;
};

const cases: readonly Case[] = [
  { name: 'plain', T: 65 },
  { name: 'one token', T: 1, gated: true, state: true },
  { name: 'grouped heads, gates, a state', T: 66, H: 4, gated: true, state: true },
  { name: 'b up to 2', T: 63, top: 2, gated: true, state: true },
  { name: 'b of 0, 1 and 2', T: 64, top: 2, state: true, hostile: ({ b }) => mixIn(b, 0, 1, 2) },
  {
    name: 'gates of 0 and near it',
    T: 67,
    gated: true,
    state: true,
    hostile: ({ logGate }) => mixIn(logGate!, -Infinity, 0, -80, -0.01),
  },
  {
    name: 'keys all equal',
    T: 33,
    top: 2,
    gated: true,
    hostile: ({ k }) => k.data.forEach((_, i) => (k.data[i] = k.data[i % d]!)),
  },
  {
    name: 'keys of 0 and of any length',
    T: 33,
    state: true,
    hostile: ({ k }) =>
      k.data.forEach((x, i) => (k.data[i] = Math.fround(x * [0, 1e18, 1e-3, 1][Math.floor(i / d) % 4]!))),
  },
];

function leavesOf({ name, T, H = G, top = 1, gated, state, hostile }: Case): Leaves {
  const numbers = new Numbers(`delta ${name}`);
  const leaves: Leaves = {
    q: numbers.normal([B, T, H, d]),
    k: numbers.normal([B, T, G, d]),
    v: numbers.normal([B, T, G, e]),
    b: numbers.uniform([B, T, G], 0, top),
    ...(gated && { logGate: numbers.uniform([B, T, G], -0.5, 0) }),
    ...(state && { S0: numbers.normal([B, G, d, e]) }),
  };
  hostile?.(leaves);
  return leaves;
}

/** Whether the vector that number i of a leaf is part of has a length. */
const hasLength = ({ data }: Leaf, i: number) => data.slice(i - (i % d), i - (i % d) + d).some((x) => x !== 0);

function sequenceOf({ T, H = G }: Case, leaves: Leaves): DeltaSequence {
  const data = Object.fromEntries(Object.entries(leaves).map(([name, leaf]) => [name, leaf.data])) as Record<
    keyof Leaves,
    Float64Array
  >;
  return { B, T, H, G, d, e, ...data };
}

function inputsOf(backend: Backend, leaves: Leaves) {
  const variables = Object.fromEntries(
    Object.entries(leaves).map(([name, { data, shape }]) => [name, parameter(backend.upload(data, shape))]),
  ) as Record<keyof Leaves, Variable>;
  const { q, k, v, logGate, b, S0 } = variables;
  const inputs: AttentionInputs = { q, k, v, logGate: leaves.logGate && logGate, own: { b } };
  return { variables, inputs, state: leaves.S0 && { S: S0 } };
}

const weightsOf = (kase: Case) => {
  const numbers = new Numbers(`delta ${kase.name} loss`);
  return { y: numbers.normal([B, kase.T, kase.H ?? G, e]), S: numbers.normal([B, G, d, e]) };
};

/** y, S and every gradient; the sequence cut at `cuts`. */
function run(
  backend: Backend,
  kase: Case,
  leaves: Leaves,
  options: DeltaOptions,
  cuts: readonly number[] = [],
): Record<string, Float64Array> {
  const weights = weightsOf(kase);
  return backend.scope(() => {
    const tape = new Tape(backend);
    const { variables, inputs, state: initial } = inputsOf(backend, leaves);
    const ends = [...cuts.filter((cut) => cut < kase.T), kase.T];
    const y = backend.empty(weights.y.shape);
    const dy = backend.upload(weights.y.data, weights.y.shape);
    const seeds: [Variable, typeof dy][] = [];
    let state: { readonly S: Variable } | undefined = initial;
    ends.forEach((end, i) => {
      const [from, count] = [ends[i - 1] ?? 0, end - (ends[i - 1] ?? 0)];
      const part = ends.length === 1 ? inputs : sliceInputs(tape, inputs, from, count);
      const result = deltaRecurrence(options).sequence(tape, part, { state });
      const seed = backend.empty(result.y.value.shape);
      backend.kernels.copyBlock({ x: result.y.value, to: from, count, y });
      backend.kernels.copyBlock({ x: dy, from, count, y: seed });
      seeds.push([tape.keep(result.y), seed]);
      state = result.state!;
    });
    const S = tape.keep(state!.S);
    tape.backward([...seeds, [S, backend.upload(weights.S.data, weights.S.shape)]]);
    const read = (tensor: typeof dy) => Float64Array.from(backend.readSync!(tensor));
    const gradients = Object.entries(variables).map(([name, x]) => [`d${name}`, read(tape.gradientOrZero(x))] as const);
    return { y: read(y), S: read(S.value), ...Object.fromEntries(gradients) };
  });
}

const ways: readonly (DeltaOptions & { readonly form: Form })[] = [
  { form: 'recurrent' },
  { form: 'attention' },
  ...[1, 2, 7, 16, 64].map((chunk) => ({ form: 'chunked', chunk }) as const),
];

describe.each(cases)('the delta rule, $name', (kase) => {
  const leaves = leavesOf(kase);
  const expected = defineDelta(sequenceOf(kase, leaves));
  const definition = run(exact, kase, leaves, { form: 'recurrent' });

  it('token by token it is the definition, and so are its gradients', () => {
    // Short keys count as a little shorter.
    const limit = kase.name.startsWith('keys of 0') ? 1e-6 : 1e-11;
    expect(relativeError(definition.y!, expected.y)).toBeLessThan(limit);
    expect(relativeError(definition.S!, expected.S)).toBeLessThan(limit);
    const weights = weightsOf(kase);
    for (const [name, leaf] of Object.entries(leaves)) {
      // What is at an end of its range or has no direction has no slope.
      if (kase.hostile && (name === 'k' || name === 'logGate')) continue;
      const direction = new Numbers(`delta ${name}`).normal(leaf.shape).data;
      const loss = (step: number) => {
        const moved = { ...leaf, data: leaf.data.map((x, i) => x + step * direction[i]!) };
        const { y, S } = defineDelta(sequenceOf(kase, { ...leaves, [name]: moved }));
        return [[y, weights.y.data] as const, [S, weights.S.data] as const]
          .flatMap(([x, w]) => [...x].map((value, i) => value * w[i]!))
          .reduce((sum, x) => sum + x, 0);
      };
      const slope = (8 * (loss(1e-4) - loss(-1e-4)) - (loss(2e-4) - loss(-2e-4))) / 12e-4;
      const gradient = definition[`d${name}`]!;
      const along = gradient.reduce((sum, x, i) => sum + x * direction[i]!, 0);
      expect(Math.abs(along - slope), name).toBeLessThan(1e-6 * Math.hypot(...gradient));
    }
  });

  it.each(ways)('$form $chunk gives the same, also in float32 and in pieces', (way) => {
    for (const [backend, cuts, limit] of [
      [exact, [], 1e-11],
      [exact, [1, 20, 62], 1e-11],
      [single, [], 1e-5],
      [single, [30], 1e-5],
    ] as const) {
      const results = run(backend, kase, leaves, way, cuts);
      for (const [name, values] of Object.entries(definition)) {
        // A key of 0 has no direction: what its gradient is divided by is made up.
        const directed = (x: ArrayLike<number>) =>
          name === 'dk' ? Float64Array.from(x).map((value, i) => (hasLength(leaves.k, i) ? value : 0)) : x;
        expect(relativeError(directed(results[name]!), directed(values)), name).toBeLessThan(limit);
      }
    }
  });
});

describe('a stream of the delta rule', () => {
  const kase = cases[2]!;
  const { T, H } = kase as Required<Case>;
  const { S0: _, ...leaves } = leavesOf(kase);
  const shape: MemoryShape = { B, G, d, e, phases: false, gateWidth: 1 };
  const expected = defineDelta(sequenceOf(kase, leaves));
  const recurrence = deltaRecurrence({ chunk: 16 });

  it.each([[[1]], [[64, 2]], [[1, 30, 7]]])('in pieces of %j, saved in the middle, is the sequence', async (rhythm) => {
    const { inputs } = inputsOf(exact, leaves);
    const y = exact.empty([B, T, H, e]);
    const live = exact.memory().liveBuffers;
    let memory = recurrence.memory(exact, shape);
    for (let i = 0, moved = false; memory.position < T; i++) {
      const from = memory.position;
      const count = Math.min(rhythm[i % rhythm.length]!, T - from);
      exact.scope(() => {
        const tape = new Tape(exact, { record: false });
        const answer = recurrence.stream(tape, sliceInputs(tape, inputs, from, count), memory);
        exact.kernels.copyBlock({ x: answer.value, to: from, count, y });
      });
      if (moved || memory.position < 30) continue;
      const saved = await memory.save({ exact: true });
      memory.dispose();
      memory = recurrence.memory(exact, shape, saved);
      moved = true;
    }
    expect(relativeError(await y.read(), expected.y)).toBeLessThan(1e-11);
    const { tensors } = await memory.save();
    expect(relativeError(tensors.S!.data, expected.S)).toBeLessThan(1e-11);
    expect(memory.bytes).toBe(recurrence.memoryBytes(shape, T));
    memory.dispose();
    expect(exact.memory().liveBuffers).toBe(live);
  });

  it('gives each row what it gets alone, also while others rest', async () => {
    const { inputs } = inputsOf(exact, leaves);
    const memory = recurrence.memory(exact, shape);
    const tape = new Tape(exact, { record: false });
    const first = recurrence.stream(tape, sliceInputs(tape, inputs, 0, 40), memory, [40, 17]);
    for (let t = 17; t < 40; t++) recurrence.stream(tape, sliceInputs(tape, inputs, t, 1), memory, [0, 1]);
    expect(memory.positions).toEqual([40, 40]);
    const rest = recurrence.stream(tape, sliceInputs(tape, inputs, 40, T - 40), memory);
    const [before, after] = [await first.value.read(), await rest.value.read()];
    const row = H * e;
    expect(relativeError(before.slice(0, 40 * row), expected.y.slice(0, 40 * row))).toBeLessThan(1e-11);
    expect(relativeError(after.slice(0, (T - 40) * row), expected.y.slice(40 * row, T * row))).toBeLessThan(1e-11);
    expect(relativeError(after.slice((T - 40) * row), expected.y.slice((T + 40) * row))).toBeLessThan(1e-11);
    expect((await memory.save({ row: 1 })).position).toBe(T);
  });

  it('begins anew where a document does, and turns by phases', () => {
    const reset = exact.upload(
      Int32Array.from({ length: B * T }, (_, i) => (i % 13 === 4 ? 1 : 0)),
      [B, T],
    );
    const { inputs } = inputsOf(exact, leaves);
    const tape = new Tape(exact);
    const answer = recurrence.sequence(tape, { ...inputs, reset });
    const documents = defineDelta({ ...sequenceOf(kase, leaves), reset: exact.readSync!(reset) });
    expect(relativeError(exact.readSync!(answer.y.value), documents.y)).toBeLessThan(1e-11);

    const even = new Numbers('delta turned');
    const [q, k] = [even.normal([B, T, H, 4]), even.normal([B, T, G, 4])].map(({ data, shape: axes }) =>
      constant(exact.upload(data, axes)),
    );
    const phases = fixedTheta(exact, 4, 500, G);
    const turned = turn(tape, q!, k!, phases, undefined);
    const direct = recurrence.sequence(tape, { ...inputs, q: turned.q, k: turned.k });
    const pieces = [0, 30].map((from, i) => {
      const part = sliceInputs(tape, { ...inputs, q: q!, k: k!, phases }, from, [30, T - 30][i]!);
      return part;
    });
    const first = recurrence.sequence(tape, pieces[0]!);
    const second = recurrence.sequence(tape, pieces[1]!, { state: first.state });
    expect(relativeError(exact.readSync!(second.state!.S.value), exact.readSync!(direct.state!.S.value))).toBeLessThan(
      1e-12,
    );
  });

  it('answers are normed and gated where there is a gate', () => {
    const { inputs } = inputsOf(exact, leaves);
    const numbers = new Numbers('delta gate');
    const [gate, norm] = [numbers.normal([B, T, H, e]), numbers.normal([e])];
    const variable = ({ data, shape: axes }: Leaf) => constant(exact.upload(data, axes));
    const own = { ...inputs.own, gate: variable(gate), norm: variable(norm) };
    const { y } = recurrence.sequence(new Tape(exact), { ...inputs, own });
    const gated = expected.y.map((x, i) => {
      const row = expected.y.slice(i - (i % e), i - (i % e) + e);
      const size = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0) / e + 1e-5);
      return ((x / size) * norm.data[i % e]! * gate.data[i]!) / (1 + Math.exp(-gate.data[i]!));
    });
    expect(relativeError(exact.readSync!(y.value), gated)).toBeLessThan(1e-11);
  });

  it('refuses vector gates and inputs without b', () => {
    const { inputs } = inputsOf(exact, leaves);
    const tape = new Tape(exact);
    const logGate = constant(exact.upload(new Float64Array(B * T * G * d), [B, T, G, d]));
    const live = exact.memory().liveBuffers;
    expect(() => recurrence.sequence(tape, { ...inputs, logGate })).toThrow(/^gates per token and head is 5/);
    expect(() => recurrence.sequence(tape, { ...inputs, own: {} })).toThrow(/^shape of own.b/);
    expect(() => recurrence.memory(exact, { ...shape, gateWidth: d })).toThrow(/^gates per token and head is 5/);
    expect(exact.memory().liveBuffers).toBe(live);
  });
});
