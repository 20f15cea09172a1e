import { embeddedSize } from '@sympow/embedding';
import { describe, expect, it } from 'vitest';
import { chooseForm, defaultChunk, flopsOf, type FormSizes } from './form';

const sizes = (changes: Partial<FormSizes> = {}): FormSizes => {
  const { d = 64, D = embeddedSize(d, 2), ...rest } = changes;
  return { T: 1024, C: 512, d, e: d, D, initialState: false, finalState: false, ...rest };
};

describe('the form that `auto` takes', () => {
  it.each([
    [64, 2],
    [32, 2],
    [16, 4],
  ])('changes from attention to chunked near T = C + 2D: head size %i, power %i', (d, power) => {
    const D = embeddedSize(d, power);
    const C = defaultChunk(D);
    const at = (T: number) => chooseForm('auto', sizes({ T, C, d, D }));
    expect(at(Math.floor(0.9 * (C + 2 * D)))).toBe('attention');
    expect(at(Math.ceil(1.1 * (C + 2 * D)))).toBe('chunked');
  });

  it('changes earlier where states come in and go out, which attention has to pay for as well', () => {
    const state = { initialState: true, finalState: true };
    expect(chooseForm('auto', sizes({ T: 513, ...state }))).toBe('chunked');
    expect(chooseForm('auto', sizes({ T: 512, ...state }))).toBe('attention');
  });

  it('is the cheaper one', () => {
    for (const T of [1, 100, 1000, 4000, 5000, 100_000]) {
      for (const finalState of [true, false]) {
        const at = sizes({ T, finalState });
        const other = chooseForm('auto', at) === 'attention' ? 'chunked' : 'attention';
        expect(flopsOf(chooseForm('auto', at) as 'chunked', at)).toBeLessThanOrEqual(flopsOf(other, at));
      }
    }
  });

  it.each(['attention', 'chunked', 'recurrent'] as const)('is never taken instead of %s', (form) => {
    expect(chooseForm(form, sizes())).toBe(form);
  });
});

it.each([
  [1, 64],
  [528, 128],
  [2080, 512],
  [3876, 1024],
  [52_360, 1024],
])('states of %i rows have chunks of %i tokens', (D, C) => {
  expect(defaultChunk(D)).toBe(C);
});
