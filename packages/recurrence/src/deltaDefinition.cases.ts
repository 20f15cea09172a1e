/** The gated delta rule as the plainest possible loop over numbers: specification §12, for tests only. */

import type { RecurrenceSequence } from '@sympow/conformance';

/** Sizes and numbers of one sequence of the gated delta rule; specification §12. */
export interface DeltaSequence extends Pick<
  RecurrenceSequence,
  'B' | 'T' | 'H' | 'G' | 'd' | 'e' | 'q' | 'k' | 'v' | 'logGate' | 'reset' | 'S0'
> {
  /** [B, T, G] */
  readonly b: ArrayLike<number>;
}

/** The gated delta rule, token by token. */
export function defineDelta(sequence: DeltaSequence): { readonly y: Float64Array; readonly S: Float64Array } {
  const { B, T, H, G, d, e, q, k, v, b: share, logGate, reset, S0 } = sequence;
  const y = new Float64Array(B * T * H * e);
  const S = Float64Array.from({ length: B * G * d * e }, (_, i) => S0?.[i] ?? 0);
  const unit = (x: ArrayLike<number>, from: number): number[] => {
    const vector = Array.from({ length: d }, (_, i) => x[from + i]!);
    const size = Math.hypot(...vector);
    return vector.map((value) => (size === 0 ? 0 : value / size));
  };
  for (let b = 0; b < B; b++) {
    for (let t = 0; t < T; t++) {
      for (let g = 0; g < G; g++) {
        const at = (b * T + t) * G + g;
        const gate = reset?.[b * T + t] ? 0 : Math.exp(logGate?.[at] ?? 0);
        const key = unit(k, at * d);
        const row = (i: number) => ((b * G + g) * d + i) * e;
        for (let f = 0; f < e; f++) {
          for (let i = 0; i < d; i++) S[row(i) + f] = gate === 0 ? 0 : gate * S[row(i) + f]!;
          let held = 0;
          for (let i = 0; i < d; i++) held += key[i]! * S[row(i) + f]!;
          const written = share[at]! * (v[at * e + f]! - held);
          for (let i = 0; i < d; i++) S[row(i) + f] = S[row(i) + f]! + key[i]! * written;
        }
        for (let h = (g * H) / G; h < ((g + 1) * H) / G; h++) {
          const query = unit(q, ((b * T + t) * H + h) * d);
          for (let f = 0; f < e; f++) {
            let sum = 0;
            for (let i = 0; i < d; i++) sum += query[i]! * S[row(i) + f]!;
            y[((b * T + t) * H + h) * e + f] = sum / Math.sqrt(d);
          }
        }
      }
    }
  }
  return { y, S };
}
