/** Where the gates γ of a layer come from; specification §4. */

import { broadcastRows, linear, logSigmoid, reshape, type Tape, type Variable } from '@sympow/autograd';

/**
 * `none`: γ = 1. `fixed`: one per head, never trained. `learned`: one per head. `data`: one per token and head, from the
 * layer's input. `vector`: one per token, head and key dimension.
 */
export type GateMode = 'none' | 'fixed' | 'learned' | 'data' | 'vector';

export const gateModes: readonly GateMode[] = ['none', 'fixed', 'learned', 'data', 'vector'];

/** Gate bias at the start: γ = 0.999. */
export const gateBias = 6.906768;

/** Parameters of the gates by their name below `self_attn`. */
export interface GateParameters {
  /** data: [G, hidden]; vector: [G·d, hidden]. */
  readonly weight?: Variable | undefined;
  /** learned, data: [G]; vector: [G·d]. */
  readonly bias?: Variable | undefined;
}

/** Logarithms of fixed gates [G]: 1 − γ spread geometrically from 1/32 to 1/512, as in RetNet (arXiv 2307.08621). */
export function fixedLogGates(G: number): Float64Array {
  return Float64Array.from({ length: G }, (_, g) =>
    Math.log1p(-Math.exp(Math.log(1 / 32) - (G > 1 ? g / (G - 1) : 0) * Math.log(16))),
  );
}

/** Bias at which a vector gate starts, so that all dimensions together forget as a scalar gate does: α = γ^{1/p}. */
export function vectorGateBias(power: number): number {
  const alpha = (1 / (1 + Math.exp(-gateBias))) ** (1 / power);
  return Math.log(alpha / (1 - alpha));
}

/**
 * log γ for every token: [B, T, G], or [B, T, G, d] for vector gates; nothing for `none`.
 *
 * @param h - [B, T, hidden], the layer's normalised input
 * @param fixed - [G], the logarithms of fixed gates
 */
export function logGates(
  tape: Tape,
  mode: GateMode,
  h: Variable,
  G: number,
  { weight, bias }: GateParameters,
  fixed?: Variable,
): Variable | undefined {
  const [B, T] = h.value.shape as [number, number];
  switch (mode) {
    case 'none':
      return undefined;
    case 'fixed':
      return broadcastRows(tape, fixed!, [B, T, G]);
    case 'learned':
      return broadcastRows(tape, logSigmoid(tape, bias!), [B, T, G]);
    case 'data':
      return logSigmoid(tape, linear(tape, h, weight!, bias, { exact: true }));
    case 'vector': {
      const log = logSigmoid(tape, linear(tape, h, weight!, bias, { exact: true }));
      return reshape(tape, log, [B, T, G, (weight!.value.shape[0] as number) / G]);
    }
  }
}
