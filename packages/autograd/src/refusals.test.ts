// What is refused leaves nothing behind, also outside any scope.

import { leftBehind } from '@sympow/conformance';
import { js } from '@sympow/kernels';
import { describe, expect, it } from 'vitest';
import * as ops from './index';
import { constant, parameter, Tape, type Variable } from './tape';

const backend = await js().open();
const x = (...shape: number[]) =>
  parameter(
    backend.upload(
      new Float32Array(shape.reduce((a, b) => a * b, 1)).map((_, i) => (i % 7) / 7),
      shape,
    ),
  );
const ids = (...numbers: number[]) => backend.upload(Int32Array.from(numbers), [1, numbers.length]);
const [a, b, row, wide, matrix, table] = [x(1, 2, 4), x(1, 2, 4), x(4), x(1, 2, 3), x(3, 4), x(5, 4)];
const [tokens, targets, three, bias] = [ids(1, 2), ids(0, 1), ids(0, 1, 2), x(3)];

/** Every function by its name: called as it should be, and with arguments that do not belong together. */
const calls: Record<string, [right: (tape: Tape) => Variable, wrong: ((tape: Tape) => Variable)[]]> = {
  add: [(tape) => ops.add(tape, a, b), [(tape) => ops.add(tape, a, wide)]],
  multiply: [(tape) => ops.multiply(tape, a, b), [(tape) => ops.multiply(tape, a, wide)]],
  reshape: [(tape) => ops.reshape(tape, a, [8]), [(tape) => ops.reshape(tape, a, [9])]],
  inType: [(tape) => ops.inType(tape, a, 'bfloat16'), [(tape) => ops.inType(tape, a, 'float8' as 'float16')]],
  broadcastRows: [(tape) => ops.broadcastRows(tape, row, [1, 2, 4]), [(tape) => ops.broadcastRows(tape, row, [2, 3])]],
  sliceRows: [(tape) => ops.sliceRows(tape, a, 1, 1), [(tape) => ops.sliceRows(tape, a, 1, 2)]],
  gelu: [(tape) => ops.gelu(tape, a), []],
  silu: [(tape) => ops.silu(tape, a), []],
  call: [
    (tape) => ops.call(tape, 'gelu', { x: a }, { y: [1, 2, 4] }).y,
    [(tape) => ops.call(tape, 'gelu', { x: a }, { y: [2] }).y, (tape) => ops.call(tape, 'gelu', {}, { y: [2] }).y],
  ],
  linearCrossEntropy: [
    (tape) => ops.linearCrossEntropy(tape, a, table, undefined, targets),
    [
      (tape) => ops.linearCrossEntropy(tape, wide, table, undefined, targets),
      (tape) => ops.linearCrossEntropy(tape, a, table, undefined, three, { gradient: three }),
    ],
  ],
  logSigmoid: [(tape) => ops.logSigmoid(tape, a), []],
  onePlusTanh: [(tape) => ops.onePlusTanh(tape, a), []],
  swiglu: [(tape) => ops.swiglu(tape, a, b), [(tape) => ops.swiglu(tape, a, wide)]],
  embedTokens: [(tape) => ops.embedTokens(tape, tokens, table), [(tape) => ops.embedTokens(tape, a.value, table)]],
  linear: [
    (tape) => ops.linear(tape, a, matrix, bias),
    [(tape) => ops.linear(tape, wide, matrix), (tape) => ops.linear(tape, a, matrix, row)],
  ],
  norm: [
    (tape) => ops.norm(tape, a, { kind: 'layer', weight: row, bias: row }),
    [(tape) => ops.norm(tape, wide, { kind: 'rms', weight: row })],
  ],
  normLinear: [
    (tape) => ops.normLinear(tape, a, { kind: 'rms', weight: row }, [{ weight: matrix, activation: 'gelu' }])[0]!,
    [(tape) => ops.normLinear(tape, wide, { kind: 'rms' }, [{ weight: matrix }])[0]!],
  ],
  addLinear: [
    (tape) => ops.addLinear(tape, wide, a, { weight: matrix, bias }),
    [(tape) => ops.addLinear(tape, a, a, { weight: matrix })],
  ],
  crossEntropy: [
    (tape) => ops.crossEntropy(tape, a, targets),
    [(tape) => ops.crossEntropy(tape, a, three), (tape) => ops.crossEntropy(tape, a, b.value)],
  ],
};

it('every function that makes a variable from others is here', () => {
  const made = new Set(['constant', 'parameter', 'Tape']);
  expect(Object.keys(calls).sort()).toEqual(
    Object.keys(ops)
      .filter((name) => !made.has(name))
      .sort(),
  );
});

/** Several functions one after the other on a tape that records: what is between them is the tape's. */
const composed = new Set(['normLinear', 'addLinear']);

describe.each(Object.entries(calls))('%s', (name, [right, wrong]) => {
  it('leaves nothing behind where its arguments are refused', () => {
    const before = backend.memory().liveBuffers;
    for (const call of wrong) {
      for (const record of [true, false]) expect(() => call(new Tape(backend, { record }))).toThrow();
    }
    expect(backend.memory().liveBuffers).toBe(before);
  });

  it('leaves nothing behind where the backend refuses', async () => {
    for (const record of [true, false]) {
      expect(await leftBehind(backend, () => right(new Tape(backend, { record })))).toEqual([]);
    }
  });

  it.skipIf(composed.has(name))('leaves nothing behind where the backend refuses on the way back', async () => {
    const seeds = new Map<string, Variable>();
    const call = () => {
      // A scope gives back the results; what is left of the way back would stay among them.
      const tape = new Tape(backend);
      const y = tape.keep(right(tape));
      const key = y.value.shape.join();
      const seed = seeds.get(key) ?? constant(backend.upload(new Float32Array(y.value.size), y.value.shape));
      seeds.set(key, seed);
      try {
        tape.backward([[y, seed.value]]);
      } finally {
        y.value.dispose();
      }
    };
    call();
    expect(await leftBehind(backend, call)).toEqual([]);
  });
});

it('a seed of another shape is refused before any is carried back', () => {
  const tape = new Tape(backend);
  const [y, z] = [ops.add(tape, a, b), ops.gelu(tape, a)];
  const before = backend.memory().liveBuffers;
  expect(() =>
    tape.backward([
      [y, a.value],
      [z, row.value],
    ]),
  ).toThrow(/^the gradient to start from/);
  expect(tape.gradient(y)).toBeUndefined();
  expect(backend.memory().liveBuffers).toBe(before);
});

it('a part that is refused is forgotten, and what was before it goes on', () => {
  const tape = new Tape(backend);
  const y = ops.gelu(tape, a);
  const before = backend.memory().liveBuffers;
  const part = () =>
    tape.attempt(() => {
      const z = tape.attempt(() => ops.add(tape, ops.gelu(tape, y), b));
      return ops.linear(tape, ops.reshape(tape, z, [2, 4]), table, row);
    });
  expect(part).toThrow();
  expect(backend.memory().liveBuffers).toBe(before);
  const seed = backend.upload(new Float32Array(8).fill(1), [1, 2, 4]);
  tape.backward([[y, seed]]);
  expect(tape.gradient(a)).toBeDefined();
});
