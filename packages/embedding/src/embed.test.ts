import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FloatArray } from './api';
import { embed, embedBackward, embedBatch, embedBatchBackward } from './embed';
import { ConfigError, OutOfMemoryError, ShapeError } from '@sympow/core';
import { embeddingWeights, multiIndices } from './multiIndex';
import { embeddedSize } from './size';

function dot(a: FloatArray, b: FloatArray): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** Reproducible numbers in −1 … 1 that no test depends on in detail. */
function noise(length: number, seed = 1): Float64Array {
  return Float64Array.from({ length }, (_, i) => Math.sin(12.9898 * (i + 1) + 78.233 * seed));
}

/** φ straight from its definition. */
function phiByDefinition(x: FloatArray, p: number): Float64Array {
  const indices = multiIndices(x.length, p);
  return embeddingWeights(x.length, p).map((weight, i) => {
    const row = indices.subarray(i * p, (i + 1) * p);
    return row.reduce((product, index) => product * x[index]!, weight);
  });
}

it('arrays of another realm are floats like any others', () => {
  const [x, out] = ['Float32Array.of(1, 2)', 'new Float32Array(3)'].map(
    (code) => runInNewContext(code) as Float32Array,
  );
  expect(embed(x!, { power: 2 })).toEqual(embed(Float32Array.of(1, 2), { power: 2 }));
  expect([...embed(x!, { power: 2, out: out! })]).toEqual([...embed(Float32Array.of(1, 2), { power: 2 })]);
  expect(() => embed(x!, { power: 2, out: new Float64Array(3) as never })).toThrow(ShapeError);
  expect(() => embed(runInNewContext('Int32Array.of(1, 2)') as never, { power: 2 })).toThrow(ShapeError);
});

describe('φ', () => {
  it.each([1, 2, 3, 4, 5, 6])('φ(q)·φ(k) = (q·k)^%i', (power) => {
    for (const d of [1, 2, 3, 5, 8]) {
      const q = noise(d, 1);
      const k = noise(d, 2);
      // Relative to the largest value that the sum can have: small scores are sums of large terms.
      const scale = (Math.sqrt(dot(q, q)) * Math.sqrt(dot(k, k))) ** power;
      const error = dot(embed(q, { power }), embed(k, { power })) - dot(q, k) ** power;
      expect(Math.abs(error) / scale).toBeLessThan(1e-14);
    }
  });

  it('holds for whole numbers of any sign, to the last digit of p = 3', () => {
    const vectors = fc.integer({ min: 1, max: 6 }).chain((d) => {
      const vector = fc.array(fc.integer({ min: -9, max: 9 }), { minLength: d, maxLength: d });
      return fc.tuple(vector, vector);
    });
    fc.assert(
      fc.property(vectors, ([a, b]) => {
        const q = Float64Array.from(a);
        const k = Float64Array.from(b);
        const product = dot(embed(q, { power: 3 }), embed(k, { power: 3 }));
        expect(product).toBeCloseTo(dot(q, k) ** 3, 6);
      }),
    );
  });

  it('is its definition entry by entry', () => {
    for (const [d, power] of [
      [1, 4],
      [7, 2],
      [16, 2],
      [17, 3],
      [5, 6],
    ] as const) {
      const x = noise(d);
      const expected = phiByDefinition(x, power);
      embed(x, { power }).forEach((value, i) => {
        expect(Math.abs(value - expected[i]!)).toBeLessThanOrEqual(4e-15 * Math.abs(expected[i]!));
      });
    }
  });

  it('p = 1 is the identity, bit by bit', () => {
    const x = Float32Array.of(1.1, -0, 3e38, 1e-45, Infinity, NaN);
    expect(embed(x, { power: 1 })).toEqual(x);
  });

  it('is computed in double and rounded once', () => {
    const x = Float32Array.from(noise(9));
    expect(embed(x, { power: 4 })).toEqual(Float32Array.from(embed(Float64Array.from(x), { power: 4 })));
    // 1e-30² is no float32, yet 1e-30²·1e30² is 1.
    const mixed = embed(Float32Array.of(1e-30, 1e30), { power: 4 });
    expect(mixed[2]).toBeCloseTo(Math.sqrt(6), 5);
  });

  it('passes infinities and NaN on and keeps them out of other rows', () => {
    const x = Float64Array.of(NaN, 1, 2, 3, Infinity, 0);
    const phi = embedBatch(x, 3, { power: 2 });
    expect([...phi.subarray(0, 3)]).toEqual([NaN, NaN, 1]);
    expect([...phi.subarray(3, 6)]).toEqual([4, Math.SQRT2 * 6, 9].map((v) => expect.closeTo(v, 12) as number));
    expect([...phi.subarray(6)]).toEqual([Infinity, NaN, 0]);
  });

  it('embeds the rows of a batch one by one, into a given array where there is one', () => {
    const x = Float32Array.from(noise(5 * 6));
    const size = embeddedSize(6, 3);
    const out = new Float32Array(5 * size).fill(NaN);
    expect(embedBatch(x, 5, { power: 3, out })).toBe(out);
    for (let row = 0; row < 5; row++) {
      const single = embed(x.subarray(row * 6, (row + 1) * 6), { power: 3 });
      expect(out.subarray(row * size, (row + 1) * size)).toEqual(single);
    }
  });
});

describe('the gradient', () => {
  it.each([
    [1, 1],
    [1, 3],
    [6, 1],
    [5, 2],
    [4, 3],
    [6, 4],
    [3, 6],
  ])('is that of finite differences, d = %i, p = %i', (d, power) => {
    const x = noise(d, 3);
    const dphi = noise(embeddedSize(d, power), 4);
    const dx = embedBackward(x, dphi, { power });
    const step = 1e-5;
    for (let t = 0; t < d; t++) {
      const moved = (by: number) => {
        const y = x.slice();
        y[t]! += by;
        return dot(dphi, embed(y, { power }));
      };
      const slope = (8 * (moved(step) - moved(-step)) - (moved(2 * step) - moved(-2 * step))) / (12 * step);
      expect(dx[t]).toBeCloseTo(slope, 8);
    }
  });

  it('satisfies Euler: x·dx = p·dφ·φ(x)', () => {
    for (const [d, power] of [
      [33, 2],
      [9, 5],
    ] as const) {
      const x = noise(d, 5);
      const dphi = noise(embeddedSize(d, power), 6);
      expect(dot(x, embedBackward(x, dphi, { power }))).toBeCloseTo(power * dot(dphi, embed(x, { power })), 9);
    }
  });

  it('is taken at zero as well', () => {
    const dphi = noise(embeddedSize(4, 2));
    expect([...embedBackward(new Float64Array(4), dphi, { power: 2 })]).toEqual([0, 0, 0, 0]);
    expect([...embedBackward(new Float64Array(4), noise(4), { power: 1 })]).toEqual([...noise(4)]);
  });

  it('takes a batch row by row, in the class of x', () => {
    const x = Float32Array.from(noise(4 * 5));
    const size = embeddedSize(5, 4);
    const dphi = noise(4 * size, 7);
    const out = new Float32Array(20).fill(NaN);
    expect(embedBatchBackward(x, dphi, 4, { power: 4, out })).toBe(out);
    for (let row = 0; row < 4; row++) {
      const single = embedBackward(x.subarray(row * 5, (row + 1) * 5), dphi.subarray(row * size, (row + 1) * size), {
        power: 4,
      });
      expect(out.subarray(row * 5, (row + 1) * 5)).toEqual(single);
    }
  });
});

describe('refusals', () => {
  const x = noise(6);

  it('what is not an array of floats', () => {
    expect(() => embed([1, 2] as unknown as Float64Array, { power: 2 })).toThrow(ShapeError);
    expect(() => embed(new Int32Array(4) as unknown as Float64Array, { power: 2 })).toThrow('x is Int32Array(4)');
    expect(() => embedBackward(x, [0] as unknown as Float64Array, { power: 1 })).toThrow(ShapeError);
  });

  it('lengths that do not fit', () => {
    expect(() => embed(new Float64Array(0), { power: 2 })).toThrow(ShapeError);
    expect(() => embedBatch(x, 4, { power: 2 })).toThrow('length of x is 6; expected a positive multiple of 4 rows.');
    expect(() => embedBatch(x, 0, { power: 2 })).toThrow(ConfigError);
    expect(() => embed(x, { power: 2, out: new Float64Array(20) })).toThrow('length of out is 20; expected 21.');
    expect(() => embedBackward(x, new Float64Array(20), { power: 2 })).toThrow('length of dphi is 20; expected 21.');
    expect(() => embed<FloatArray>(x, { power: 2, out: new Float32Array(21) })).toThrow(ShapeError);
  });

  it.each([0, -2, 2.5, NaN, 1025, undefined])('power %s', (power) => {
    expect(() => embed(x, { power: power as number })).toThrow(ConfigError);
    expect(() => embedBackward(x, x, { power: power as number })).toThrow(ConfigError);
  });

  it('what cannot be held, before it is allocated', () => {
    expect(() => embed(noise(128), { power: 6 })).toThrow(OutOfMemoryError);
    expect(() => embedBatch(new Float64Array(4e6), 40_000, { power: 4 })).toThrow(OutOfMemoryError);
    // D = 4,421,275 for d = 100
    expect(() => embedBatch(new Float64Array(4e6), 40_000, { power: 4 })).toThrow(`${4_421_275 * 40_000 * 8} bytes`);
  });
});
