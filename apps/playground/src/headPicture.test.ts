import { expect, it } from 'vitest';
import { scenesOf } from './headPicture';

it.each([2, 3, 4])(
  'the picture is true for keys of %i numbers: the state answers what the sum over past tokens does',
  (d) => {
    for (const { answer, sum } of scenesOf(d)) expect(answer).toBeCloseTo(sum, 10);
  },
);
