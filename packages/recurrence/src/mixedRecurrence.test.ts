import { constant, parameter, Tape, type Variable } from '@sympow/autograd';
import { js, type Backend } from '@sympow/kernels';
import { relativeError } from '@sympow-tools/tiny';
import { expect, it } from 'vitest';
import type { AttentionInputs, MemoryShape } from './api';
import { mixedRecurrence } from './mixedRecurrence';
import { fixedTheta } from './phases';
import { powerRecurrence } from './powerRecurrence';
import { sliceInputs } from './runForms.cases';
import { Numbers } from './sequences.cases';
import { softmaxRecurrence } from './softmaxRecurrence';

const exact = await js({ float: 'float64' }).open();
const single = await js().open();
const [B, T, H, G, d, e] = [2, 90, 4, 2, 4, 3];
const [first, second] = [softmaxRecurrence(), powerRecurrence({ power: 2, chunk: 16 })];
const recurrence = mixedRecurrence(first, second);
const shape: MemoryShape = { B, G, d, e, phases: true, gateWidth: 1 };

const numbers = new Numbers('mixed');
const leaves = {
  q: numbers.normal([B, T, H, d]),
  k: numbers.normal([B, T, G, d]),
  v: numbers.normal([B, T, G, e]),
  logGate: numbers.uniform([B, T, G], -1, 0),
};
const dy = numbers.normal([B, T, H, e]);

function inputsOf(backend: Backend, mix: number): AttentionInputs & { leaves: Record<string, Variable> } {
  const variables = Object.fromEntries(
    Object.entries(leaves).map(([name, leaf]) => [name, parameter(backend.upload(leaf.data, leaf.shape))]),
  ) as Record<keyof typeof leaves, Variable>;
  const own = { mix: parameter(backend.upload([mix], [1])) };
  return { ...variables, phases: fixedTheta(backend, d, 500, G), own, leaves: { ...variables, ...own } };
}

function run(part: Pick<typeof first, 'sequence'>, mix: number, backend = exact) {
  const tape = new Tape(backend);
  const { leaves: all, ...inputs } = inputsOf(backend, mix);
  const y = tape.keep(part.sequence(tape, inputs, { finalState: false }).y);
  tape.backward([[y, backend.upload(dy.data, dy.shape)]]);
  const read = (variable: Variable) => Float64Array.from(backend.readSync!(tape.gradientOrZero(variable)));
  const gradients = Object.fromEntries(Object.entries(all).map(([name, variable]) => [name, read(variable)]));
  return { y: Float64Array.from(backend.readSync!(y.value)), gradients };
}

it('answers and gradients are g times those of the first and 1 − g times those of the second', () => {
  const [a, b, both] = [run(first, 0), run(second, 0), run(recurrence, 0.3)];
  const mixed = (x: Float64Array, y: Float64Array) => x.map((value, i) => 0.3 * value + 0.7 * y[i]!);
  expect(relativeError(both.y, mixed(a.y, b.y))).toBeLessThan(1e-14);
  for (const name of Object.keys(leaves)) {
    expect(relativeError(both.gradients[name]!, mixed(a.gradients[name]!, b.gradients[name]!)), name).toBeLessThan(
      1e-13,
    );
  }
  const along = dy.data.reduce((sum, x, i) => sum + x * (a.y[i]! - b.y[i]!), 0);
  expect(relativeError(both.gradients.mix!, [along])).toBeLessThan(1e-13);
});

it('at 1 and 0 it is the one or the other to the last bit', () => {
  expect(run(recurrence, 1, single).y).toEqual(run(first, 1, single).y);
  expect(run(recurrence, 0, single).y).toEqual(run(second, 0, single).y);
});

it.each([[[1]], [[64, 2]], [[1, 30, 7]]])(
  'a stream in pieces of %j, saved in the middle, is the sequence',
  async (rhythm) => {
    const expected = run(recurrence, 0.3).y;
    const live = exact.memory().liveBuffers;
    let memory = recurrence.memory(exact, shape);
    const y = exact.empty([B, T, H, e]);
    const { leaves: all, ...inputs } = inputsOf(exact, 0.3);
    for (let i = 0, moved = false; memory.position < T; i++) {
      const from = memory.position;
      const count = Math.min(rhythm[i % rhythm.length]!, T - from);
      exact.scope(() => {
        const tape = new Tape(exact, { record: false });
        const piece = sliceInputs(tape, inputs, from, count);
        exact.kernels.copyBlock({ x: recurrence.stream(tape, piece, memory).value, to: from, count, y });
      });
      if (moved || memory.position < 40) continue;
      const saved = await memory.save();
      memory.dispose();
      memory = recurrence.memory(exact, shape, saved);
      moved = true;
    }
    expect(relativeError(await y.read(), expected)).toBeLessThan(1e-12);
    expect(memory.bytes).toBe(memory.parts[0].bytes + memory.parts[1].bytes);
    memory.dispose();
    for (const { value } of Object.values(all)) value.dispose();
    inputs.phases!.theta.value.dispose();
    inputs.phases!.thetaTail?.dispose();
    y.dispose();
    expect(exact.memory().liveBuffers).toBe(live);
  },
);

it('rows of a batch get what they get alone, also after they moved to another memory', async () => {
  const expected = run(recurrence, 0.3, single).y;
  const { leaves: _, ...inputs } = inputsOf(single, 0.3);
  const lengths = [T, 37];
  const memory = recurrence.memory(single, shape);
  const other = recurrence.memory(single, { ...shape, B: 1 });
  const y = recurrence.stream(new Tape(single, { record: false }), inputs, memory, lengths).value;
  expect(memory.positions).toEqual(lengths);
  const rowOf = (values: ArrayLike<number>, row: number, from: number, count: number) =>
    Array.from({ length: count * H * e }, (_, i) => values[(row * T + from) * H * e + i]!);
  const answer = await y.read();
  expect(relativeError(rowOf(answer, 0, 0, T), rowOf(expected, 0, 0, T))).toBeLessThan(1e-5);
  expect(relativeError(rowOf(answer, 1, 0, 37), rowOf(expected, 1, 0, 37))).toBeLessThan(1e-5);
  other.copyRow(0, memory, 1);
  const tape = new Tape(single, { record: false });
  const rest = sliceInputs(tape, inputs, 37, T - 37);
  const both = recurrence.memory(single, shape);
  both.copyRow(1, other, 0);
  const after = await recurrence.stream(tape, rest, both).value.read();
  const ofRow = Array.from({ length: (T - 37) * H * e }, (_, i) => after[(T - 37) * H * e + i]!);
  expect(relativeError(ofRow, rowOf(expected, 1, 37, T - 37))).toBeLessThan(1e-5);
  const saved = await both.save({ row: 1 });
  expect(saved.position).toBe(T);
});

it('refuses a state and a mix that is none, and leaves nothing behind', () => {
  const { leaves: _, ...inputs } = inputsOf(exact, 0.3);
  const tape = new Tape(exact);
  const live = exact.memory().liveBuffers;
  expect(() => recurrence.sequence(tape, inputs, { finalState: true })).toThrow(/^a state of mixed attention/);
  const own = { mix: constant(inputs.q.value) };
  for (const wrong of [undefined, {}, own]) {
    expect(() => recurrence.sequence(tape, { ...inputs, own: wrong })).toThrow(/^shape of own.mix/);
  }
  expect(exact.memory().liveBuffers).toBe(live);
});
