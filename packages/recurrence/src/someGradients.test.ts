// Gradients that are wanted of some inputs alone, constants in place of the others.
import { constant, parameter, Tape } from '@sympow/autograd';
import { js, Random, type Tensor } from '@sympow/kernels';
import { describe, expect, it } from 'vitest';
import { powerRecurrence } from './powerRecurrence';

const names = ['q', 'k', 'v', 'logGate', 'S', 'Z'] as const;
type Name = (typeof names)[number];
const backend = await js().open();

describe.each([
  ['chunked', 9],
  ['attention', 5],
  ['recurrent', 3],
] as const)('in form %s', (form, T) => {
  const random = new Random(1, form);
  const normal = (...shape: number[]) =>
    backend.upload(random.fillNormal(new Float32Array(shape.reduce((a, b) => a * b))), shape);
  const tensors: Record<Name, Tensor> = {
    ...{ q: normal(1, T, 2, 4), k: normal(1, T, 1, 4), v: normal(1, T, 1, 4) },
    logGate: backend.upload(new Float32Array(T).fill(-0.1), [1, T, 1]),
    ...{ S: normal(1, 1, 10, 4), Z: normal(1, 1, 10) },
  };
  const seed = normal(1, T, 2, 4);

  function gradients(wanted: readonly Name[], gated: boolean): Partial<Record<Name, ArrayLike<number>>> {
    return backend.scope(() => {
      const variable = (name: Name) => (wanted.includes(name) ? parameter : constant)(tensors[name]);
      const inputs = { q: variable('q'), k: variable('k'), v: variable('v'), logGate: variable('logGate') };
      const state = { S: variable('S'), Z: variable('Z') };
      const tape = new Tape(backend);
      const given = gated ? inputs : { ...inputs, logGate: undefined };
      const { y } = powerRecurrence({ power: 2, chunk: 4, form }).sequence(tape, given, { state });
      tape.backward([[y, seed]]);
      const all = Object.entries({ ...inputs, ...state }).map(([name, each]) => [name, tape.gradient(each)] as const);
      return Object.fromEntries(all.flatMap(([name, each]) => (each ? [[name, backend.readSync!(each)]] : [])));
    });
  }

  it.each([true, false])('are what they are when all are wanted, and nothing stays; gates: %s', (gated) => {
    const { liveBuffers } = backend.memory();
    const all = gradients(names, gated);
    expect(Object.keys(all)).toEqual(names.filter((name) => gated || name !== 'logGate'));
    for (const wanted of [...names.map((name) => [name]), ['q', 'Z'], ['logGate', 'S'], ['k', 'logGate']] as Name[][]) {
      const known = wanted.filter((name) => name in all);
      expect(gradients(wanted, gated)).toEqual(Object.fromEntries(known.map((name) => [name, all[name]])));
    }
    expect(backend.memory().liveBuffers).toBe(liveBuffers);
  });
});
