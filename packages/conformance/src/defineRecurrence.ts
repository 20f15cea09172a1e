/**
 * The recurrence by its definition, as the plainest possible double loop over numbers: §3 to §6 of the specification. It shares no
 * code with any backend or form, so that all of them have something to be held to.
 */

/** Sizes and numbers of one sequence, flat arrays in the order of their shapes. */
export interface RecurrenceSequence {
  readonly B: number;
  readonly T: number;
  readonly H: number;
  readonly G: number;
  readonly d: number;
  readonly e: number;
  readonly power: number;
  readonly normalizer: 'sum' | 'none';
  /** [B, T, H, d], [B, T, G, d], [B, T, G, e] */
  readonly q: ArrayLike<number>;
  readonly k: ArrayLike<number>;
  readonly v: ArrayLike<number>;
  /** [B, T, G] or [B, T, G, d] */
  readonly logGate?: ArrayLike<number> | undefined;
  /** Which of the two; where absent, told by how many there are. */
  readonly vectorGates?: boolean | undefined;
  /** [B, T]: not 0 where a document begins. */
  readonly reset?: ArrayLike<number> | undefined;
  /** [G, d/2] */
  readonly theta?: ArrayLike<number> | undefined;
  /** [B, T, G] or [B, T, G, d/2] */
  readonly beta?: ArrayLike<number> | undefined;
  /** [B, G, D, e], [B, G, D] and [B, G, d/2] */
  readonly S0?: ArrayLike<number> | undefined;
  readonly Z0?: ArrayLike<number> | undefined;
  readonly phase0?: ArrayLike<number> | undefined;
}

/** What the sequence answers, and the state after it. Phases in turns, not wrapped. */
export interface RecurrenceAnswer {
  readonly y: Float64Array;
  readonly S: Float64Array;
  readonly Z: Float64Array;
  readonly phase: Float64Array;
}

/** Non-decreasing multi-indices in lexicographic order. */
function multiIndicesOf(d: number, power: number, first = 0): number[][] {
  if (power === 0) return [[]];
  const all: number[][] = [];
  for (let i = first; i < d; i++) for (const rest of multiIndicesOf(d, power - 1, i)) all.push([i, ...rest]);
  return all;
}

const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));

/** sqrt(p! / ∏ m_k!) */
function weightOf(index: readonly number[]): number {
  let permutations = factorial(index.length);
  for (const each of new Set(index)) permutations /= factorial(index.filter((i) => i === each).length);
  return Math.sqrt(permutations);
}

/**
 * By the definition: every token against every earlier one, and against the initial state through φ. In O(T²), and in doubles.
 */
export function defineRecurrence(sequence: RecurrenceSequence): RecurrenceAnswer {
  const { B, T, H, G, d, e, power, normalizer, q, k, v, logGate, reset, theta, beta, S0, Z0, phase0 } = sequence;
  const half = d / 2;
  const indices = multiIndicesOf(d, power);
  const weights = indices.map(weightOf);
  const D = indices.length;
  const vectorGates = sequence.vectorGates ?? (logGate?.length === B * T * G * d && d > 1);
  const perPair = beta?.length === B * T * G * half && half > 1;
  const y = new Float64Array(B * T * H * e);
  const S = new Float64Array(B * G * D * e);
  const Z = new Float64Array(B * G * D);
  const phase = new Float64Array(theta ? B * G * half : 0);

  for (let b = 0; b < B; b++) {
    for (let g = 0; g < G; g++) {
      const at = (t: number) => (b * T + t) * G + g;
      const state = b * G + g;

      /** γ^{1/p} of dimension i, by which token t forgets what was before it. */
      const forget = (t: number, i: number): number => {
        if (reset && reset[b * T + t] !== 0) return 0;
        if (!logGate) return 1;
        const log = logGate[vectorGates ? at(t) * d + i : at(t)]!;
        // A gate below the smallest normal float32 is 0.
        return log < -87 ? 0 : Math.exp(vectorGates ? log : log / power);
      };

      const turns: number[][] = []; // [T][d/2]
      for (let t = 0; t < T; t++) {
        turns.push([]);
        for (let m = 0; m < (theta ? half : 0); m++) {
          const before = t > 0 ? turns[t - 1]![m]! : (phase0?.[state * half + m] ?? 0);
          const step = beta ? beta[perPair ? at(t) * half + m : at(t)]! : 1;
          turns[t]!.push(before + (step * theta![g * half + m]!) / (2 * Math.PI));
        }
      }
      for (let m = 0; m < (theta ? half : 0); m++) phase[state * half + m] = turns[T - 1]![m]!;

      const turned = (x: ArrayLike<number>, from: number, t: number): number[] => {
        const out = Array.from({ length: d }, (_, i) => x[from + i]!);
        turns[t]!.forEach((turn, m) => {
          const [cos, sin] = [Math.cos(2 * Math.PI * turn), Math.sin(2 * Math.PI * turn)];
          const [even, odd] = [out[2 * m]!, out[2 * m + 1]!];
          out[2 * m] = even * cos - odd * sin;
          out[2 * m + 1] = even * sin + odd * cos;
        });
        return out;
      };
      const keys = Array.from({ length: T }, (_, t) => turned(k, at(t) * d, t));
      const phi = (x: readonly number[], row: number) =>
        indices[row]!.reduce((product, i) => product * x[i]!, weights[row]!);

      for (let h = (g * H) / G; h < ((g + 1) * H) / G; h++) {
        for (let t = 0; t < T; t++) {
          const query = turned(q, ((b * T + t) * H + h) * d, t).map((x) => x / Math.sqrt(d));
          const left = new Array<number>(d).fill(1);
          const numerator = new Array<number>(e).fill(0);
          let denominator = 0;
          for (let j = t; j >= 0; j--) {
            let score = 0;
            for (let i = 0; i < d; i++) score += query[i]! * left[i]! * keys[j]![i]!;
            const weight = score ** power;
            denominator += weight;
            for (let f = 0; f < e; f++) numerator[f] = numerator[f]! + weight * v[at(j) * e + f]!;
            for (let i = 0; i < d; i++) left[i] = left[i]! * forget(j, i);
          }
          const decayed = query.map((x, i) => x * left[i]!);
          for (let row = 0; row < (S0 && Z0 ? D : 0); row++) {
            const feature = phi(decayed, row);
            denominator += feature * Z0![state * D + row]!;
            for (let f = 0; f < e; f++) numerator[f] = numerator[f]! + feature * S0![(state * D + row) * e + f]!;
          }
          const scale = normalizer === 'none' ? 1 : denominator === 0 ? 0 : 1 / denominator;
          numerator.forEach((x, f) => (y[((b * T + t) * H + h) * e + f] = x * scale));
        }
      }

      const left = new Array<number>(d).fill(1);
      for (let j = T - 1; j >= 0; j--) {
        const key = keys[j]!.map((x, i) => x * left[i]!);
        for (let row = 0; row < D; row++) {
          const feature = phi(key, row);
          Z[state * D + row] = Z[state * D + row]! + feature;
          for (let f = 0; f < e; f++) {
            S[(state * D + row) * e + f] = S[(state * D + row) * e + f]! + feature * v[at(j) * e + f]!;
          }
        }
        for (let i = 0; i < d; i++) left[i] = left[i]! * forget(j, i);
      }
      for (let row = 0; row < (S0 && Z0 ? D : 0); row++) {
        const rest = indices[row]!.reduce((product, i) => product * left[i]!, 1);
        Z[state * D + row] = Z[state * D + row]! + rest * Z0![state * D + row]!;
        for (let f = 0; f < e; f++) {
          S[(state * D + row) * e + f] = S[(state * D + row) * e + f]! + rest * S0![(state * D + row) * e + f]!;
        }
      }
    }
  }
  return { y, S, Z, phase };
}
