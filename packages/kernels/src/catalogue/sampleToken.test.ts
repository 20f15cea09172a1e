// How often tokens come. That each is the one that its number says is what the conformance cases say.
import { Random } from '@sympow/core';
import { describe, expect, it } from 'vitest';
import { drawTokens } from './sampleToken';

interface SamplingOptions {
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
}

/** Draws from one row of logits, and moves a generator on. */
function sampler(V: number, { temperature = 1, topK = V, topP = 1, minP = 0 }: SamplingOptions) {
  const settings = Float64Array.of(temperature, topK, topP, minP);
  return (logits: ArrayLike<number>, random: Random) => {
    const [words, ids, logProbability] = [random.toWords(), new Int32Array(1), new Float64Array(1)];
    drawTokens({ logits: Float64Array.from(logits), settings, random: words, ids, logProbability, V });
    if (temperature > 0) random.skip(2);
    if (!words.every((word, i) => word === random.toWords()[i])) throw new Error('the generator stands elsewhere');
    return { token: ids[0]!, logProbability: logProbability[0]! };
  };
}

/** Probabilities 0.5, 0.25, 0.125, 0.125, not in that order. */
const logits = [0.125, 0.5, 0.125, 0.25].map(Math.log);
const draws = 4000;

/** How often each token comes, of all draws. */
function frequenciesOf(options: SamplingOptions): number[] {
  const sample = sampler(logits.length, options);
  const random = new Random(7, 'draws');
  const counts = logits.map(() => 0);
  for (let i = 0; i < draws; i++) counts[sample(logits, random).token]! += 1;
  return counts.map((count) => count / draws);
}

describe('tokens come as often as they are likely', () => {
  it.each<[string, SamplingOptions, number[]]>([
    ['as they are', {}, [0.125, 0.5, 0.125, 0.25]],
    ['a temperature of ½ squares them', { temperature: 0.5 }, [1, 16, 1, 4].map((x) => x / 22)],
    [
      'a temperature of 2 takes their roots',
      { temperature: 2 },
      [1, 2, 1, Math.SQRT2].map((x) => x / (4 + Math.SQRT2)),
    ],
    ['the two most likely', { topK: 2 }, [0, 2 / 3, 0, 1 / 3]],
    ['of equals, the one that comes first', { topK: 3 }, [1 / 7, 4 / 7, 0, 2 / 7]],
    ['the fewest that sum to 0.5', { topP: 0.5 }, [0, 1, 0, 0]],
    ['the fewest that sum to 0.6', { topP: 0.6 }, [0, 2 / 3, 0, 1 / 3]],
    ['the fewest that sum to 0.8', { topP: 0.8 }, [1 / 7, 4 / 7, 0, 2 / 7]],
    ['half of the two most likely', { topK: 2, topP: 0.7 }, [0, 2 / 3, 0, 1 / 3]],
    ['half as likely as the most likely', { minP: 0.5 }, [0, 2 / 3, 0, 1 / 3]],
    ['all but those a quarter as likely', { minP: 0.26 }, [0, 2 / 3, 0, 1 / 3]],
    ['a quarter as likely', { minP: 0.25 }, [0.125, 0.5, 0.125, 0.25]],
    ['as likely as the most likely', { minP: 1 }, [0, 1, 0, 0]],
    ['minP after the temperature', { temperature: 0.5, minP: 0.26 }, [0, 1, 0, 0]],
    ['what passes all filters', { topK: 3, topP: 0.99, minP: 0.4 }, [0, 2 / 3, 0, 1 / 3]],
    ['topP after the temperature', { temperature: 0.5, topP: 0.7 }, [0, 1, 0, 0]],
    ['more than there are', { topK: 99 }, [0.125, 0.5, 0.125, 0.25]],
    ['the one most likely', { topK: 1 }, [0, 1, 0, 0]],
    ['at temperature 0', { temperature: 0 }, [0, 1, 0, 0]],
  ])('%s', (_, options, expected) => {
    const frequencies = frequenciesOf(options);
    let chiSquare = 0;
    expected.forEach((p, token) => {
      if (p === 0) expect(frequencies[token], `token ${token}`).toBe(0);
      else chiSquare += (draws * (frequencies[token]! - p) ** 2) / p;
    });
    // Three degrees of freedom: more than 16.3 once in a thousand times, and the seed is fixed.
    expect(chiSquare).toBeLessThan(16.3);
  });
});

it('probabilities are those of the model, whatever the filters', () => {
  for (const options of [{}, { temperature: 0 }, { temperature: 3, topK: 1 }]) {
    const { token, logProbability } = sampler(4, options)(logits, new Random(1, 's'));
    expect(logProbability).toBeCloseTo(logits[token]!, 12);
  }
});

it('of many tokens, filters keep the most likely', () => {
  const many = Float64Array.from({ length: 500 }, (_, i) => ((i * 191) % 500) / 100);
  const byLikelihood = Array.from(many.keys()).sort((a, b) => many[b]! - many[a]!);
  for (const options of [{ topK: 20 }, { topK: 20, topP: 0.7 }, { minP: 0.8 }, { topP: 0.2 }] as SamplingOptions[]) {
    const sample = sampler(500, options);
    const random = new Random(1, 's');
    const drawn = new Set(Array.from({ length: 3000 }, () => sample(many, random).token));
    expect([...drawn].sort((a, b) => many[b]! - many[a]!)).toEqual(byLikelihood.slice(0, drawn.size));
    expect(drawn.size).toBeGreaterThan(1);
    expect(drawn.size).toBeLessThan(70);
  }
});

it('huge and infinitely negative logits do no harm', () => {
  const sample = sampler(3, {});
  const random = new Random(1, 's');
  expect(sample([-Infinity, 1e30, -Infinity], random).token).toBe(1);
  expect(sample([3e38, -3e38, 0], random)).toEqual({ token: 0, logProbability: 0 });
});
