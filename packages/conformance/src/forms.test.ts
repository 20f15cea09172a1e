import { describe, it } from 'vitest';
import { holdTo, sequenceOf, sequences, stepAgrees } from './agreement';
import { openDefinition } from './checkCase';
import { chunkedForm, defined, windowForm } from './forms';

describe('in doubles', () => {
  for (const kase of sequences) {
    it(`${kase.name}: every chunk size, steps and window are the double loop to 1e-10`, async () => {
      const backend = await openDefinition();
      const sequence = await sequenceOf(kase, 'float64');
      const expected = defined(sequence);
      for (const chunk of [1, 2, 3, 7, 16, kase.T - 1, kase.T, kase.T + 50]) {
        holdTo(expected, await chunkedForm(backend, sequence, chunk), 1e-10);
      }
      await stepAgrees(backend, kase, 1e-10);
      const { S0, Z0 } = sequence;
      if (S0 && Z0) holdTo(expected, { y: await windowForm(backend, { ...sequence, S0, Z0 }) }, 1e-10);
    });
  }
});
