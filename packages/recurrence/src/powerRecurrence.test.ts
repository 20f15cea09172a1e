import { constant, Tape } from '@sympow/autograd';
import { ConfigError, js, ShapeError } from '@sympow/kernels';
import { describe, expect, it } from 'vitest';
import type { AttentionInputs, PowerOptions } from './api';
import { fixedTheta } from './phases';
import { powerRecurrence } from './powerRecurrence';

const backend = await js({ float: 'float64' }).open();
const tape = new Tape(backend, { record: false });

describe('options are checked where the recurrence is made', () => {
  it.each<[string, PowerOptions, string]>([
    ['a power of 0', { power: 0 }, 'power is 0; expected a whole number of at least 1. The paper uses 2 and 4.'],
    ['a power of 1.5', { power: 1.5 }, 'power is 1.5; expected a whole number of at least 1. The paper uses 2 and 4.'],
    [
      'a power that is no number',
      { power: NaN },
      'power is NaN; expected a whole number of at least 1. The paper uses 2 and 4.',
    ],
    [
      'an odd power with a normalizer',
      { power: 3 },
      'power is 3; expected an even number with normalizer sum, as scores must not be negative. Use an even power, or normalizer none.',
    ],
    ['a chunk of 0', { power: 2, chunk: 0 }, 'chunk is 0; expected a whole number of at least 1.'],
    ['a chunk of 2.5', { power: 2, chunk: 2.5 }, 'chunk is 2.5; expected a whole number of at least 1.'],
    [
      'an unknown form',
      { power: 2, form: 'parallel' as 'auto' },
      'form is "parallel"; expected auto, attention, chunked or recurrent.',
    ],
    ['an unknown normalizer', { power: 2, normalizer: 'mean' as 'sum' }, 'normalizer is "mean"; expected sum or none.'],
  ])('%s', (_, options, message) => {
    expect(() => powerRecurrence(options)).toThrow(ConfigError);
    expect(() => powerRecurrence(options)).toThrow(message);
  });
});

describe('inputs are checked at the door', () => {
  const zeros = (...shape: number[]) =>
    constant(backend.upload(new Float64Array(shape.reduce((a, b) => a * b)), shape));
  const ints = (...shape: number[]) => backend.upload(new Int32Array(shape.reduce((a, b) => a * b)), shape);
  const inputs = { q: zeros(2, 5, 4, 4), k: zeros(2, 5, 2, 4), v: zeros(2, 5, 2, 3) };
  const { theta } = fixedTheta(backend, 4, 100, 2);

  it.each<[string, Partial<AttentionInputs>, string | RegExp]>([
    ['queries of three axes', { q: zeros(5, 4, 4) }, 'shape of q is [5, 4, 4]; expected four axes [B, T, heads, d].'],
    ['values of three axes', { v: zeros(2, 5, 3) }, 'shape of v is [2, 5, 3]; expected four axes [B, T, heads, e].'],
    ['no tokens', { q: zeros(2, 0, 4, 4) }, 'length of the sequence is 0; expected at least 1 token.'],
    [
      'fewer keys than queries',
      { k: zeros(2, 4, 2, 4) },
      'shape of k is [2, 4, 2, 4]; expected [2, 5, …], a row for every token of q.',
    ],
    ['values of another batch', { v: zeros(1, 5, 2, 3) }, /^shape of v is/],
    ['gates of another length', { logGate: zeros(2, 6, 2) }, /^shape of logGate is/],
    ['β of another length', { phases: { theta, beta: zeros(2, 6, 2) } }, /^shape of beta is/],
    ['resets of another length', { reset: ints(2, 6) }, /^shape of reset is/],
    [
      'heads that do not divide',
      { q: zeros(2, 5, 3, 4) },
      /query heads is 3; expected a multiple of the 2 key\/value heads/,
    ],
    ['keys of another size', { k: zeros(2, 5, 2, 6) }, /shape of k is/],
    ['gates of another number of heads', { logGate: zeros(2, 5, 3) }, /shape of gates/],
    ['frequencies of another head size', { phases: { theta: zeros(2, 3) } }, /shape of (theta|turns)/],
  ])('%s', (_, changes, message) => {
    for (const form of ['attention', 'chunked', 'recurrent'] as const) {
      const { sequence } = powerRecurrence({ power: 2, form, chunk: 2 });
      expect(() => sequence(tape, { ...inputs, ...changes }), form).toThrow(ShapeError);
      if (form !== 'recurrent') expect(() => sequence(tape, { ...inputs, ...changes }), form).toThrow(message);
    }
  });

  it('an initial state with phases for inputs without', () => {
    const state = { S: zeros(2, 2, 10, 3), Z: zeros(2, 2, 10), phase: zeros(2, 2, 2) };
    expect(() => powerRecurrence({ power: 2 }).sequence(tape, inputs, { state })).toThrow(
      'the initial state is "with phases"; expected one without, as the inputs have none. Pass the phases too.',
    );
  });

  it('an initial state of another power', () => {
    const state = { S: zeros(2, 2, 10, 3), Z: zeros(2, 2, 10) };
    for (const form of ['attention', 'chunked', 'recurrent'] as const) {
      expect(() => powerRecurrence({ power: 4, form, chunk: 2 }).sequence(tape, inputs, { state }), form).toThrow(
        ShapeError,
      );
    }
  });
});
