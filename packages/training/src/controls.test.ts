// A page builds its forms from the tables of settings alone.

import { controls, defaultsOf, valuesOf, type Control, type Setting } from '@sympow/core';
import { modelConfig, modelSettings } from '@sympow/model';
import { expect, it } from 'vitest';
import { trainingSettings } from './trainingSettings';

const tables: readonly (readonly [string, Readonly<Record<string, Setting>>])[] = [
  ['model', modelSettings],
  ['training', trainingSettings],
];

/** What a form shows of a value. */
const shown = ({ kind, default: value }: Control) =>
  value === undefined
    ? ''
    : kind === 'switch'
      ? (value as boolean)
      : kind === 'other'
        ? JSON.stringify(value)
        : `${value as string}`;

it.each(tables)('every setting of the %s table is a field that says what a form needs', (_, settings) => {
  for (const control of controls(settings)) {
    const { key, kind, group, label, says, min, step, choices } = control;
    expect([key, group]).not.toEqual([key, 'settings']);
    for (const text of [label, says, control.expected]) expect(text, key).not.toBe('');
    expect(step !== undefined, key).toBe(kind === 'whole' || kind === 'number');
    expect(min !== undefined, key).toBe(kind === 'whole' || kind === 'number');
    expect(choices !== undefined, key).toBe(kind === 'choice');
  }
});

it.each(tables)(
  'the form of the %s table comes back as the defaults, and says which fields are missing',
  (_, settings) => {
    const form = controls(settings);
    const { values, errors } = valuesOf(settings, Object.fromEntries(form.map((each) => [each.key, shown(each)])));
    expect(values).toEqual(defaultsOf(settings));
    expect(Object.keys(errors)).toEqual(form.flatMap(({ key, required }) => (required ? [key] : [])));
  },
);

it('what is filled in becomes options, and what is wrong is said by field', () => {
  const fields = { hiddenSize: '32', heads: '2', headSize: '16', bias: 'true', gate: 'none', queryKeyNorm: true };
  const { values, errors } = valuesOf(modelSettings, fields);
  expect(errors).toEqual({});
  expect(modelConfig(values)).toMatchObject({ hiddenSize: 32, bias: true, gate: { name: 'none' }, queryKeyNorm: true });
  const wrong = {
    layers: '0',
    initStd: 'x',
    mlp: 'relu',
    bias: '["nose"]',
    embeddingNorm: 'perhaps',
    slidingWindow: '',
  };
  expect(Object.keys(valuesOf(modelSettings, wrong).errors)).toEqual([
    ...['layers', 'mlp', 'embeddingNorm', 'bias', 'initStd'],
  ]);
  const run = { context: '16', batch: '1.5', steps: '10', floor: '2', anneal: '4' };
  expect(valuesOf(trainingSettings, run)).toEqual({
    values: { context: 16, steps: 10, anneal: 4 },
    errors: { batch: 'a whole number of at least 1', floor: 'a number from 0 to 1' },
  });
});
