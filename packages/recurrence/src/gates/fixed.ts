import { broadcastRows } from '@sympow/autograd';
import type { Gate } from './api';

/** Logarithms of fixed gates [G]: 1 − γ spread geometrically from 1/32 to 1/512, as in RetNet (arXiv 2307.08621). */
export function fixedLogGates(G: number): Float64Array {
  return Float64Array.from({ length: G }, (_, g) =>
    Math.log1p(-Math.exp(Math.log(1 / 32) - (G > 1 ? g / (G - 1) : 0) * Math.log(16))),
  );
}

export const fixed: Gate = {
  name: 'fixed',
  says: 'one per head, never trained',
  width: 1,
  parameters: () => ({}),
  constants: ({ keyValueHeads: G }) => ({ log_gates: { shape: [G], values: fixedLogGates(G) } }),
  logGates(tape, h, weight, { keyValueHeads: G }) {
    const [B, T] = h.value.shape as [number, number];
    return broadcastRows(tape, weight('log_gates'), [B, T, G]);
  },
};
