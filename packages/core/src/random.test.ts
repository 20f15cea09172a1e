import { ConfigError } from './errors';
import { describe, expect, it } from 'vitest';
import { philox4x32, Random } from './random';
import type { RandomState, StreamName } from './random';

/** Draws n numbers and returns their mean, variance and fourth moment around the mean, over the variance squared. */
function moments(n: number, draw: () => number) {
  const values = Float64Array.from({ length: n }, draw);
  const mean = values.reduce((sum, x) => sum + x, 0) / n;
  const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / n;
  const fourth = values.reduce((sum, x) => sum + (x - mean) ** 4, 0) / n;
  return { mean, variance, kurtosis: fourth / variance ** 2 };
}

/** Pearson's statistic of counts that should be equal; its mean is the number of counts less one. */
function chiSquared(counts: readonly number[], draws: number): number {
  const expected = draws / counts.length;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

describe('Philox4x32-10', () => {
  // The known answers that its authors publish with Random123.
  it.each([
    ['00000000 00000000 00000000 00000000', '00000000 00000000', '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    ['ffffffff ffffffff ffffffff ffffffff', 'ffffffff ffffffff', '408f276d 41c83b0e a20bc7c6 6d5451fd'],
    ['243f6a88 85a308d3 13198a2e 03707344', 'a4093822 299f31d0', 'd16cfe09 94fdcceb 5001e420 24126ea1'],
  ])('counter %s, key %s: %s', (counter, key, expected) => {
    const words = (text: string) => Uint32Array.from(text.split(' '), (word) => parseInt(word, 16));
    expect(philox4x32(words(counter), words(key))).toEqual(words(expected));
  });

  it('may write over its counter', () => {
    const counter = new Uint32Array(4);
    expect(philox4x32(counter, new Uint32Array(2), counter)).toBe(counter);
    expect(counter[0]).toBe(0x6627e8d5);
  });
});

describe('a stream', () => {
  it('is addressed by position', () => {
    const random = new Random(7, 'data');
    const drawn = Array.from({ length: 41 }, () => random.nextUint32());
    const addressed = drawn.map((_, i) => new Random(7, 'data').uint32At(i));
    expect(addressed).toEqual(drawn);
    expect(random.uint32At(3)).toBe(drawn[3]);
    expect(random.position).toBe(41);
    expect(random.nextUint32()).toBe(new Random(7, 'data', 41).nextUint32());
  });

  it('is Philox of its documented counter and key', () => {
    const seed = 2 ** 53 - 1;
    const position = 2 ** 40 + 6;
    // FNV-1a of the empty name is its offset basis.
    const counter = Uint32Array.of(2 ** 38 + 1, 2 ** 6, 0x84222325, 0xcbf29ce4);
    const words = philox4x32(counter, Uint32Array.of(0xffffffff, 0x1fffff));
    expect(new Random(seed, '').uint32At(position)).toBe(words[2]);
  });

  it('never changes: these are its first numbers', () => {
    const random = new Random(42, 'init');
    expect([random.nextUint32(), random.uniform(), random.normal(), random.integer(1000)]).toMatchInlineSnapshot(`
      [
        941115196,
        0.5423436087709045,
        -1.7885907114771737,
        70,
      ]
    `);
    expect([...new Random(42, 'init').permutation(10)]).toMatchInlineSnapshot(`
      [
        4,
        8,
        7,
        1,
        5,
        0,
        2,
        3,
        9,
        6,
      ]
    `);
  });

  it('is correlated with no other', () => {
    const n = 4096;
    const names: [number, StreamName][] = [
      [1, 'init'],
      [1, 'data'],
      [1, 'tini'],
      [1, 0],
      [1, 1],
      [2, 'init'],
      [1 + 2 ** 32, 'init'],
    ];
    const draws = names.map(([seed, stream]) => new Random(seed, stream).fillNormal(new Float64Array(n)));
    for (const [i, a] of draws.entries()) {
      for (const b of draws.slice(i + 1)) {
        const correlation = a.reduce((sum, x, j) => sum + x * b[j]!, 0) / n;
        expect(Math.abs(correlation)).toBeLessThan(4.5 / Math.sqrt(n));
      }
    }
  });

  it('takes a number for the name it reads as', () => {
    expect(new Random(1, 12).nextUint32()).toBe(new Random(1, '12').nextUint32());
  });
});

describe('uniform', () => {
  it('has the moments of the uniform distribution', () => {
    const random = new Random(1, 'uniform');
    const { mean, variance, kurtosis } = moments(100_000, () => random.uniform());
    expect(mean).toBeCloseTo(1 / 2, 2);
    expect(variance).toBeCloseTo(1 / 12, 3);
    expect(kurtosis).toBeCloseTo(9 / 5, 1);
    expect(random.position).toBe(200_000);
  });

  it('uses 53 bits and stays below 1', () => {
    const random = new Random(3, 'bits');
    const bits = Array.from({ length: 1000 }, () => random.uniform() * 2 ** 53);
    expect(bits.every((x) => Number.isInteger(x) && x < 2 ** 53)).toBe(true);
    expect(bits.filter((x) => x % 2 === 1).length).toBeGreaterThan(400);
  });
});

describe('normal', () => {
  it('has the moments of the normal distribution', () => {
    const random = new Random(1, 'normal');
    const { mean, variance, kurtosis } = moments(200_000, () => random.normal());
    expect(Math.abs(mean)).toBeLessThan(0.01);
    expect(variance).toBeCloseTo(1, 1.7);
    expect(Math.abs(kurtosis - 3)).toBeLessThan(0.05);
  });

  it('falls into 32 equally likely bins evenly', () => {
    // Rank of the angle and of the radius, from pairs of neighbours: both are uniform if the pairs are normal.
    const random = new Random(5, 'bins');
    const draws = 32_000;
    const angles = new Array<number>(32).fill(0);
    const radii = new Array<number>(32).fill(0);
    for (let i = 0; i < draws; i++) {
      const x = random.normal();
      const y = random.normal();
      angles[Math.floor((Math.atan2(y, x) / (2 * Math.PI) + 0.5) * 32) % 32]!++;
      radii[Math.floor(Math.exp(-(x * x + y * y) / 2) * 32)]!++;
    }
    // 31 degrees of freedom: above 62 once in a thousand.
    expect(chiSquared(angles, draws)).toBeLessThan(62);
    expect(chiSquared(radii, draws)).toBeLessThan(62);
  });

  it('is Box–Muller to the last bits', () => {
    const normals = new Random(9, 'words').fillNormal(new Float64Array(4000));
    // Normals have counters of their own, with the top bit of the second word set.
    const counter = Uint32Array.of(0, 2 ** 31, 0, 0);
    const [low, high] = hashOf('words');
    counter[2] = low;
    counter[3] = high;
    for (let block = 0; block < 1000; block++) {
      counter[0] = block;
      const bits = philox4x32(counter, Uint32Array.of(9, 0));
      for (const pair of [0, 2]) {
        const radius = Math.sqrt(-2 * Math.log((bits[pair]! + 0.5) / 2 ** 32));
        const angle = (2 * Math.PI * bits[pair + 1]!) / 2 ** 32;
        expect(normals[block * 4 + pair]).toBeCloseTo(radius * Math.cos(angle), 14);
        expect(normals[block * 4 + pair + 1]).toBeCloseTo(radius * Math.sin(angle), 14);
      }
    }
  });

  it('does not depend on what is drawn in between', () => {
    const alone = new Random(2, 'mixed').fillNormal(new Float64Array(9));
    const mixed = new Random(2, 'mixed');
    mixed.nextUint32();
    mixed.uniform();
    expect(mixed.normal()).toBe(alone[3]);
    mixed.nextUint32();
    expect(mixed.normal()).toBe(alone[5]);
    expect(mixed.nextUint32()).toBe(new Random(2, 'mixed').uint32At(6));
  });

  it('fillNormal gives what normal gives, times std, in the array’s precision', () => {
    const one = new Random(4, 'fill');
    const expected = Float32Array.from({ length: 23 }, () => 0.02 * one.normal());
    const array = new Float32Array(23);
    const random = new Random(4, 'fill');
    expect(random.fillNormal(array, 0.02)).toBe(array);
    expect(array).toEqual(expected);
    expect(random.position).toBe(one.position);
  });
});

describe('integer', () => {
  it.each([1, 2, 7, 1000, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 3 * 2 ** 51, 2 ** 53 - 1])('stays below %d', (n) => {
    const random = new Random(1, 'integer');
    for (let i = 0; i < 200; i++) {
      const drawn = random.integer(n);
      expect(Number.isSafeInteger(drawn) && drawn >= 0 && drawn < n).toBe(true);
    }
  });

  it('has no bias, even where a plain remainder has most', () => {
    // 2^32 = n + n/3: without rejection the lowest third would come twice as often as the rest.
    const n = 3 * 2 ** 30;
    const random = new Random(1, 'bias');
    const counts = new Array<number>(12).fill(0);
    for (let i = 0; i < 24_000; i++) counts[Math.floor((random.integer(n) / n) * 12)]!++;
    expect(chiSquared(counts, 24_000)).toBeLessThan(31);
  });

  it.each([0, -1, 1.5, NaN, 2 ** 53])('%d is no range', (n) => {
    expect(() => new Random(1, 'x').integer(n)).toThrow(ConfigError);
  });
});

describe('permutation', () => {
  it('holds every number once', () => {
    const order = new Random(1, 'order').permutation(1000);
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    expect([...order]).not.toEqual([...order].sort((a, b) => a - b));
  });

  it('gives every order of four equally often', () => {
    const random = new Random(1, 'orders');
    const counts = new Map<string, number>();
    for (let i = 0; i < 12_000; i++) {
      const order = random.permutation(4).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    expect(chiSquared([...counts.values()], 12_000)).toBeLessThan(50);
  });

  it('takes no numbers and one number, but no part of one', () => {
    expect([...new Random(1, 'x').permutation(0)]).toEqual([]);
    expect([...new Random(1, 'x').permutation(1)]).toEqual([0]);
    expect(() => new Random(1, 'x').permutation(1.5)).toThrow(ConfigError);
  });
});

describe('saving', () => {
  it('goes on exactly where it was, through JSON', () => {
    const random = new Random(2 ** 52 + 1, 'sampling');
    for (let i = 0; i < 5; i++) random.normal();
    random.uniform();
    const resumed = Random.load(JSON.parse(JSON.stringify(random.save())) as RandomState);
    const draw = (from: Random) => [from.nextUint32(), from.normal(), from.uniform(), from.integer(10), from.normal()];
    expect(draw(resumed)).toEqual(draw(random));
    expect(resumed.save()).toEqual(random.save());
  });

  it.each([
    null,
    {},
    { generator: 'mt19937', seed: 1, stream: 'x', position: 0 },
    { generator: 'philox4x32-10', seed: -1, stream: 'x', position: 0 },
    { generator: 'philox4x32-10', seed: 1, position: 0 },
    { generator: 'philox4x32-10', seed: 1, stream: 'x', position: 0.5 },
    { generator: 'philox4x32-10', seed: 1, stream: 'x', position: null },
  ])('refuses %j', (state) => {
    expect(() => Random.load(state as unknown as RandomState)).toThrow(ConfigError);
  });

  it.each([-1, 0.5, NaN, 2 ** 53])('%d is no seed', (seed) => {
    expect(() => new Random(seed, 'x')).toThrow(ConfigError);
  });
});

/** FNV-1a, 64 bits, by the book. */
function hashOf(name: string): [number, number] {
  let hash = 14695981039346656037n;
  for (const char of name) hash = ((hash ^ BigInt(char.codePointAt(0)!)) * 1099511628211n) % 2n ** 64n;
  return [Number(hash % 2n ** 32n), Number(hash / 2n ** 32n)];
}

it('is six words to a device, and moves on without drawing', () => {
  const random = new Random(2 ** 53 - 1, 'sampling', 2 ** 32 - 1);
  const before = random.toWords();
  expect(before.length).toBe(6);
  expect(Array.from(before.subarray(0, 4))).toEqual([-1, 2 ** 21 - 1, -1, 0]);
  random.uniform();
  expect(Array.from(random.toWords())).toEqual([-1, 2 ** 21 - 1, 1, 1, before[4], before[5]]);
  const other = new Random(2 ** 53 - 1, 'sampling', 2 ** 32 - 1);
  other.skip(2);
  expect(other.save()).toEqual(random.save());
  expect(new Random(0, 'other').toWords().subarray(4)).not.toEqual(before.subarray(4));
});
