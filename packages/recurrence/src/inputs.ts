/** The door check that both kinds of recurrence share; everything else is checked by the kernels. */

import type { Variable } from '@sympow/autograd';
import { ConfigError, ShapeError } from '@sympow/kernels';
import type { AttentionInputs } from './api';

/** What no kernel would notice. */
export function checkInputs({ q, k, phases }: AttentionInputs, phase: Variable | undefined): void {
  for (const [name, x] of Object.entries({ q, k })) {
    if (x.value.shape.length !== 4) {
      throw new ShapeError({
        what: `shape of ${name}`,
        value: `[${x.value.shape.join(', ')}]`,
        expected: 'four axes [B, T, heads, d]',
      });
    }
  }
  if (q.value.shape[1] === 0)
    throw new ShapeError({ what: 'length of the sequence', value: 0, expected: 'at least 1 token' });
  if (phase && !phases) {
    throw new ConfigError({
      what: 'the initial state',
      value: 'with phases',
      expected: 'one without, as the inputs have none',
      remedy: 'Pass the phases too.',
    });
  }
}
