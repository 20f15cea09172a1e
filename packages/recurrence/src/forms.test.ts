import { defineRecurrence, type RecurrenceAnswer } from '@sympow/conformance';
import { js } from '@sympow/kernels';
import { relativeError } from '@sympow-tools/tiny';
import { describe, expect, it } from 'vitest';
import { nameOf, runPieces, ways, type Results } from './runForms.cases';
import {
  inputLeaves,
  lossWeights,
  Numbers,
  sequenceCases,
  sequenceOf,
  withInitialState,
  type Leaves,
  type SequenceCase,
} from './sequences.cases';

const exact = await js({ float: 'float64' }).open();
const single = await js().open();

/** Largest difference of two phases in turns, which are equal modulo 1. */
const phaseError = (a: Float64Array, b: Float64Array): number =>
  a.length === b.length
    ? a.reduce((max, x, i) => Math.max(max, Math.abs(x - b[i]! - Math.round(x - b[i]!))), 0)
    : Infinity;

/** The worst of all results against those expected, with its name. */
function worst(
  actual: Results,
  expected: Readonly<Record<string, Float64Array>>,
  limit: (name: string) => number,
): [string, number] {
  let largest: [string, number] = ['nothing', 0];
  for (const [name, numbers] of Object.entries(expected)) {
    const error = name === 'phase' ? phaseError(actual[name]!, numbers) : relativeError(actual[name]!, numbers);
    if (!(error / limit(name) <= largest[1])) largest = [name, error / limit(name)];
  }
  return largest;
}

function expectWithin(
  limit: (name: string) => number,
  what: string,
  actual: Results,
  expected: Readonly<Record<string, Float64Array>>,
) {
  const [name, ratio] = worst(actual, expected, limit);
  expect(ratio, `${what}: ${name}, in units of what is allowed`).toBeLessThanOrEqual(1);
}

const answers = ({ y, S, Z, phase }: RecurrenceAnswer): Record<keyof RecurrenceAnswer, Float64Array> => ({
  y,
  S,
  Z,
  phase,
});

describe('the definition', () => {
  it.each(sequenceCases)('$name: going on from a state is going on from the tokens that made it', (kase) => {
    const T = 9;
    const whole = inputLeaves(kase, 'history', 2 * T);
    const cut = (from: number): Leaves =>
      Object.fromEntries(
        Object.entries(whole).map(([name, { shape, data }]) => {
          if (shape[1] !== 2 * T) return [name, { shape, data }];
          const row = data.length / (kase.B * 2 * T);
          const rows = data.filter(
            (_, i) => Math.floor(i / row) % (2 * T) >= from && Math.floor(i / row) % (2 * T) < from + T,
          );
          return [name, { shape: [shape[0]!, T, ...shape.slice(2)], data: rows }];
        }),
      );
    const all = defineRecurrence(sequenceOf({ ...kase, T: 2 * T }, whole));
    const first = defineRecurrence(sequenceOf({ ...kase, T }, cut(0)));
    const state = { S0: first.S, Z0: first.Z, phase0: first.phase };
    const second = defineRecurrence({ ...sequenceOf({ ...kase, T }, cut(T)), ...state });
    const perToken = kase.H * kase.e;
    const lastHalf = all.y.filter((_, i) => Math.floor(i / perToken) % (2 * T) >= T);
    expect(relativeError(second.y, lastHalf)).toBeLessThan(1e-9);
    for (const name of ['S', 'Z', 'phase'] as const) expect(relativeError(second[name], all[name])).toBeLessThan(1e-12);
  });
});

/**
 * The slope of the loss along a random direction of one leaf, by the definition alone, and how far rounding of the loss may
 * have moved it.
 */
function slope(
  kase: SequenceCase,
  leaves: Leaves,
  name: string,
  direction: Float64Array,
): [slope: number, noise: number] {
  const weights = Object.entries(lossWeights(kase));
  const step = 1e-4;
  let size = 0;
  const loss = (steps: number): number => {
    const { shape, data } = leaves[name]!;
    const moved = { shape, data: data.map((x, i) => x + steps * step * direction[i]!) };
    const answer = defineRecurrence(sequenceOf(kase, { ...leaves, [name]: moved }));
    let sum = 0;
    size = 0;
    for (const [output, { data: w }] of weights) {
      answer[output as keyof RecurrenceAnswer].forEach((x, i) => {
        sum += x * w[i]!;
        size += Math.abs(x * w[i]!);
      });
    }
    return sum;
  };
  return [(8 * (loss(1) - loss(-1)) - (loss(2) - loss(-2))) / (12 * step), (1e-15 * size) / step];
}

for (const kase of sequenceCases) {
  const fresh = inputLeaves(kase);
  const leaves = withInitialState(kase, fresh);
  const whole = [{ count: kase.T, form: 'attention' }] as const;

  describe(kase.name, () => {
    it('every form is the definition', () => {
      const expected = answers(defineRecurrence(sequenceOf(kase, fresh)));
      for (const way of ways) {
        expectWithin(() => 1e-9, nameOf(way), runPieces(exact, kase, fresh, [{ count: kase.T, ...way }]), expected);
      }
    });

    it('going on from an initial state is the definition', () => {
      expectWithin(
        () => 1e-9,
        'attention',
        runPieces(exact, kase, leaves, whole),
        answers(defineRecurrence(sequenceOf(kase, leaves))),
      );
    });

    it('gradients of everything, the initial state included, are slopes of the definition', () => {
      const results = runPieces(exact, kase, leaves, whole);
      for (const [name, { shape }] of Object.entries(leaves)) {
        const direction = new Numbers(`${kase.name} ${name}`).normal(shape).data;
        const gradient = results[`d${name}`]!;
        const along = gradient.reduce((sum, x, i) => sum + x * direction[i]!, 0);
        const size = Math.sqrt(gradient.reduce((sum, x) => sum + x * x, 0));
        const [expected, noise] = slope(kase, leaves, name, direction);
        expect(size, `gradient of ${name}`).toBeGreaterThan(0);
        expect(Math.abs(along - expected), `gradient of ${name}`).toBeLessThan(1e-6 * size + noise);
      }
    });

    it('every form, and any split with each piece in any form, gives the same outputs, state and gradients', () => {
      const expected = runPieces(exact, kase, leaves, whole);
      for (const way of ways) {
        expectWithin(() => 1e-9, nameOf(way), runPieces(exact, kase, leaves, [{ count: kase.T, ...way }]), expected);
      }
      // A third of the splits here, the others in the next cases: over all, each meets every form before and after it.
      const row = sequenceCases.indexOf(kase);
      const round = Math.floor(row / 3);
      for (let split = 1 + (row % 3); split < kase.T; split += 3) {
        const before = ways[(split + round) % ways.length]!;
        const after = ways[(3 * split + 5 * round) % ways.length]!;
        const pieces = [
          { count: split, ...before },
          { count: kase.T - split, ...after },
        ];
        const what = `${nameOf(before)} for ${split} tokens, then ${nameOf(after)}`;
        expectWithin(() => 1e-9, what, runPieces(exact, kase, leaves, pieces), expected);
      }
    });

    it('holds in float32', () => {
      const expected = runPieces(exact, kase, leaves, whole);
      for (const way of ways) {
        // The bare step loses digits while few tokens are in the state, and so do chunks of a token or two.
        const bare = way.form === 'recurrent' || (way.chunk ?? 100) < 7;
        const base = kase.power <= 2 ? (bare ? 1e-4 : 1e-5) : bare ? 1e-1 : 1e-4;
        const limit = (name: string) => base * (name.startsWith('d') ? 10 : 1);
        expectWithin(limit, nameOf(way), runPieces(single, kase, leaves, [{ count: kase.T, ...way }]), expected);
      }
    });
  });
}
