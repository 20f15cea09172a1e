/** The sequences on which the forms are compared, for tests only: every gate with every phase, and their numbers. */

import { defineRecurrence, type RecurrenceAnswer, type RecurrenceSequence } from '@sympow/conformance';
import { embeddedSize } from '@sympow/embedding';
import { Random } from '@sympow/kernels';
import { fixedLogGates, gates } from './gates';
import { frequencies, phases } from './phases';

export interface SequenceCase extends Pick<
  RecurrenceSequence,
  'B' | 'T' | 'H' | 'G' | 'd' | 'e' | 'power' | 'normalizer'
> {
  readonly name: string;
  /** The name of an entry. */
  readonly gate: string;
  readonly phase: string;
}

/** An input whose gradient is wanted, by name: q, k, v, logGate or bias, beta, theta, S0, Z0, phase0. */
export interface Leaf {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}
export type Leaves = Readonly<Record<string, Leaf>>;

export const horizon = 500;

/** 5 gates × 5 phases; powers go round so that each meets every gate and every phase, and so do the head counts. */
export const sequenceCases: readonly SequenceCase[] = gates.flatMap(({ name: gate }, row) =>
  phases.map(({ name: phase }, column): SequenceCase => {
    const power = 1 + ((row + column) % 4);
    const [H, G] = [
      [2, 2],
      [2, 1],
      [4, 2],
    ][(row + 2 * column) % 3] as [number, number];
    const normalizer = power % 2 === 0 ? 'sum' : 'none';
    const sizes = { B: 1 + ((row * column) % 2), T: 63, H, G, d: 4, e: 3 };
    return {
      name: `p = ${power}, ${H}/${G} heads, gate ${gate}, phase ${phase}`,
      ...sizes,
      power,
      normalizer,
      gate,
      phase,
    };
  }),
);

export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Reproducible numbers that float32 holds exactly. */
export class Numbers {
  private readonly random: Random;

  constructor(name: string) {
    this.random = new Random(0, name);
  }

  of(shape: readonly number[], value: () => number): Leaf {
    return { shape, data: Float64Array.from({ length: sizeOf(shape) }, () => Math.fround(value())) };
  }

  normal(shape: readonly number[], scale = 1): Leaf {
    return this.of(shape, () => scale * this.random.normal());
  }

  uniform(shape: readonly number[], low: number, high: number): Leaf {
    return this.of(shape, () => low + (high - low) * this.random.uniform());
  }
}

/** Fresh inputs of a case; `length` tokens instead of T where given. */
export function inputLeaves(kase: SequenceCase, stream = kase.name, length = kase.T): Leaves {
  const { B, H, G, d, e, gate, phase } = kase;
  const T = length;
  const numbers = new Numbers(stream);
  return {
    q: numbers.normal([B, T, H, d]),
    k: numbers.normal([B, T, G, d]),
    v: numbers.normal([B, T, G, e]),
    ...(gate === 'learned' && { bias: numbers.normal([G], 2) }),
    ...(gate === 'data' && { logGate: numbers.uniform([B, T, G], -0.5, 0) }),
    ...(gate === 'vector' && { logGate: numbers.uniform([B, T, G, d], -0.3, 0) }),
    ...(phase === 'learned' && { theta: numbers.uniform([G, d / 2], 0.1, 3) }),
    ...(phase === 'data' && { beta: numbers.uniform([B, T, G], 0, 2) }),
    ...(phase === 'pair' && { beta: numbers.uniform([B, T, G, d / 2], 0, 2) }),
  };
}

/** The same inputs after a prefix of 20 tokens: what it leaves behind as S0, Z0 and phase0. */
export function withInitialState(kase: SequenceCase, leaves: Leaves): Leaves {
  const { B, G, d, e, power, phase } = kase;
  const prefix = { ...inputLeaves(kase, `${kase.name} prefix`, 20), ...sharedOf(leaves) };
  const { S, Z, phase: turns } = defineRecurrence(sequenceOf({ ...kase, T: 20 }, prefix));
  const D = embeddedSize(d, power);
  const rounded = (shape: readonly number[], data: Float64Array): Leaf => ({ shape, data: data.map(Math.fround) });
  return {
    ...leaves,
    S0: rounded([B, G, D, e], S),
    Z0: rounded([B, G, D], Z),
    ...(phase !== 'none' && {
      phase0: rounded(
        [B, G, d / 2],
        turns.map((turn) => turn - Math.round(turn)),
      ),
    }),
  };
}

/** Leaves that all tokens share. */
function sharedOf({ bias, theta }: Leaves): Leaves {
  return { ...(bias && { bias }), ...(theta && { theta }) };
}

/** A case's numbers for the definition. */
export function sequenceOf(kase: SequenceCase, leaves: Leaves): RecurrenceSequence {
  const { B, G, T, d, gate, phase } = kase;
  const data = (name: string) => leaves[name]?.data;
  const perHead = (values: ArrayLike<number>) => Float64Array.from({ length: B * T * G }, (_, i) => values[i % G]!);
  const logGates: Record<string, () => Float64Array | undefined> = {
    none: () => undefined,
    fixed: () => perHead(fixedLogGates(G)),
    learned: () => perHead(data('bias')!.map((x) => -Math.log1p(Math.exp(-x)))),
    data: () => data('logGate'),
    vector: () => data('logGate'),
  };
  return {
    ...kase,
    q: data('q')!,
    k: data('k')!,
    v: data('v')!,
    logGate: logGates[gate]!(),
    theta: phase === 'none' ? undefined : (data('theta') ?? frequencies(d, horizon, G)),
    beta: data('beta'),
    S0: data('S0'),
    Z0: data('Z0'),
    phase0: data('phase0'),
  };
}

/** Weights with which a loss sums up an answer, so that one number depends on all of it. */
export function lossWeights(kase: SequenceCase): Record<keyof RecurrenceAnswer, Leaf> {
  const { B, T, H, G, d, e, power, phase } = kase;
  const D = embeddedSize(d, power);
  const numbers = new Numbers(`${kase.name} loss`);
  return {
    y: numbers.normal([B, T, H, e]),
    S: numbers.normal([B, G, D, e], 0.1),
    Z: numbers.normal([B, G, D], 0.1),
    phase: numbers.normal(phase === 'none' ? [0] : [B, G, d / 2]),
  };
}
