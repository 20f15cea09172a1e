// What is refused leaves nothing behind, also outside any scope.

import { constant, Tape, type Variable } from '@sympow/autograd';
import { leftBehind } from '@sympow/conformance';
import { js, type Tensor } from '@sympow/kernels';
import { describe, expect, it } from 'vitest';
import type { AttentionInputs, Memory, MemoryShape, Recurrence, SavedMemory } from './api';
import { attentionForm, chunkedForm, recurrentForm } from './forms';
import { fixedTheta } from './phases';
import { powerRecurrence } from './powerRecurrence';
import { variablesOf } from './runForms.cases';
import { inputLeaves, type SequenceCase } from './sequences.cases';
import { softmaxRecurrence } from './softmaxRecurrence';
import { phaseSum, rotate, turn } from './turning';

const backend = await js().open();
const sizes = { B: 1, T: 70, H: 2, G: 1, d: 4, e: 4, name: 'refused' };
const kase: SequenceCase = { ...sizes, power: 2, normalizer: 'sum', gate: 'data', phase: 'data' };
const shape: MemoryShape = { B: 1, G: 1, d: 4, e: 4, phases: true, gateWidth: 1 };
const live = () => backend.memory().liveBuffers;

/** Inputs of `length` tokens, which stay. */
const inputsOf = (length: number): AttentionInputs =>
  variablesOf(backend, { ...kase, T: length }, inputLeaves(kase, 'refused', length)).inputs(
    new Tape(backend, { record: false }),
  );
const whole = inputsOf(70);
const few = inputsOf(5);
const one = inputsOf(1);
const row = (...axes: number[]): Variable =>
  constant(backend.upload(new Float32Array(axes.reduce((a, b) => a * b, 1)).fill(0.5), axes));
const [x, h, table, turns, wide] = [row(1, 70, 2, 4), row(1, 70, 6), row(1, 2), row(1, 70, 1, 2), row(1, 1, 1, 9)];
const reset: Tensor = backend.upload(Int32Array.of(0, 0, 1, 0, 0), [1, 5]);
const phases = whole.phases!;
const form = { power: 2, normalizer: 'sum', finalState: true } as const;
const { q, k, v, logGate } = whole;

const kinds: [string, Recurrence][] = [
  ...(['attention', 'chunked', 'recurrent'] as const).map((way): [string, Recurrence] => [
    way,
    powerRecurrence({ power: 2, form: way, chunk: 2 }),
  ]),
  ['softmax', softmaxRecurrence()],
];

describe.each(kinds)('a recurrence, %s', (_, recurrence) => {
  const options = { finalState: recurrence.kind === 'power' };

  it('leaves nothing behind where the backend refuses', async () => {
    for (const record of [true, false]) {
      const call = () => recurrence.sequence(new Tape(backend, { record }), { ...few, reset }, options);
      expect(await leftBehind(backend, call)).toEqual([]);
    }
    for (const [name, inputs] of Object.entries({ whole: recurrence === kinds[2]![1] ? few : whole, one })) {
      const memory = recurrence.memory(backend, shape);
      const call = () => recurrence.stream(new Tape(backend, { record: false }), inputs, memory);
      // A cache that has grown stays with its memory.
      const found = await leftBehind(backend, call);
      expect(found, name).toEqual([]);
      memory.dispose();
    }
  });

  it('makes and saves memories that leave nothing behind', async () => {
    const memory = recurrence.memory(backend, shape);
    recurrence.stream(new Tape(backend, { record: false }), whole, memory);
    for (const exact of [false, true]) {
      expect(await leftBehind(backend, () => memory.save({ exact }))).toEqual([]);
      const saved = await memory.save({ exact });
      for (const from of [undefined, saved]) {
        const call = (): void => recurrence.memory(backend, shape, from).dispose();
        expect(await leftBehind(backend, call)).toEqual([]);
      }
    }
  });

  it('leaves nothing behind where its arguments are refused', async () => {
    const own: Memory = recurrence.memory(backend, shape);
    recurrence.stream(new Tape(backend, { record: false }), whole, own);
    const saved = await own.save({ exact: true });
    const without = (name: string): SavedMemory => {
      const { [name]: _, ...tensors } = saved.tensors;
      return { ...saved, tensors };
    };
    const other: SavedMemory = {
      ...saved,
      tensors: { ...saved.tensors, phase: { shape: [1], data: Float32Array.of(1) } },
    };
    const quiet = new Tape(backend, { record: false });
    const refused: (() => unknown)[] = [
      ...Object.keys(saved.tensors)
        .filter((name) => name !== 'windowK' && name !== 'phaseTail')
        .map((name) => () => recurrence.memory(backend, shape, without(name))),
      () => recurrence.memory(backend, shape, other),
      () => recurrence.memory(backend, { ...shape, e: 5 }, saved),
      () => recurrence.stream(new Tape(backend), one, own),
      () => recurrence.stream(quiet, { ...one, phases: undefined }, own),
      () => recurrence.stream(quiet, { ...one, k: x }, own),
      () => recurrence.stream(quiet, { ...one, v: wide }, own),
      () => recurrence.sequence(quiet, { ...whole, v: one.v }, options),
      () => recurrence.sequence(quiet, { ...whole, q: h }, options),
      () => recurrence.sequence(new Tape(backend), { ...whole, q: table }, options),
    ];
    for (const call of refused) {
      const before = live();
      expect(call, call.toString()).toThrow();
      expect(live(), call.toString()).toBe(before);
    }
  });
});

const turned = { q, k, v, logGate };
const calls: Record<string, (tape: Tape) => unknown> = {
  attentionForm: (tape) => attentionForm(tape, turned, form),
  chunkedForm: (tape) => chunkedForm(tape, turned, { ...form, chunk: 16 }),
  recurrentForm: (tape) => recurrentForm(tape, { q: few.q, k: few.k, v: few.v }, form),
  phaseSum: (tape) => phaseSum(tape, phases, undefined, 1, 70),
  rotate: (tape) => rotate(tape, x, turns),
  turn: (tape) => turn(tape, q, k, phases, undefined),
  fixedTheta: () => fixedTheta(backend, 4, 100, 2),
};

it.each(Object.entries(calls))('%s leaves nothing behind where the backend refuses', async (_, call) => {
  for (const record of [true, false]) {
    expect(await leftBehind(backend, () => call(new Tape(backend, { record })))).toEqual([]);
  }
});

it.each<[string, (tape: Tape) => unknown]>([
  ['phases of another length', (tape) => phaseSum(tape, phases, undefined, 1, 69)],
  ['turns of another length', (tape) => rotate(tape, q, table)],
  ['an odd head size', () => fixedTheta(backend, 3, 100, 2)],
  ['a form whose values do not fit', (tape) => chunkedForm(tape, { ...turned, v: h }, { ...form, chunk: 16 })],
  ['a form whose gates do not fit', (tape) => recurrentForm(tape, { ...turned, logGate: table }, form)],
])('%s leave nothing behind', (_, call) => {
  for (const record of [true, false]) {
    const before = live();
    expect(() => call(new Tape(backend, { record }))).toThrow();
    expect(live()).toBe(before);
  }
});
