import { describe, expect, it } from 'vitest';
import type { FloatArray } from './api';
import { embed } from './embed';
import { ConfigError, OutOfMemoryError, ShapeError } from '@sympow/core';
import { embeddedSize, tiledSize } from './size';
import { applyLayoutMap, lexicographicToTiled, tiledEmbed, tiledToLexicographic } from './tiled';

function dot(a: FloatArray, b: FloatArray): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function noise(length: number, seed: number): Float64Array {
  return Float64Array.from({ length }, (_, i) => Math.sin(12.9898 * (i + 1) + 78.233 * seed));
}

function expectClose(actual: FloatArray, expected: FloatArray, tolerance = 1e-13): void {
  expect(actual.length).toBe(expected.length);
  const worst = Math.max(...Array.from(actual, (value, i) => Math.abs(value - expected[i]!)));
  expect(worst).toBeLessThan(tolerance);
}

const layouts = [
  [1, 3, 1],
  [6, 1, 2],
  [6, 2, 1],
  [6, 2, 2],
  [6, 2, 3],
  [6, 3, 3],
  [8, 4, 2],
  [4, 4, 4],
  [4, 5, 2],
] as const;

describe.each(layouts)('d = %i, p = %i, t = %i', (d, power, tile) => {
  const q = noise(d, 1);
  const k = noise(d, 2);
  const toLexicographic = tiledToLexicographic(d, power, tile);
  const toTiled = lexicographicToTiled(d, power, tile);

  it('the tiled φ has the inner products of φ', () => {
    const phi = tiledEmbed(q, { power, tile });
    expect(phi.length).toBe(tiledSize(d, power, tile));
    expect(dot(phi, tiledEmbed(k, { power, tile }))).toBeCloseTo(dot(q, k) ** power, 10);
  });

  it('the maps take the tiled φ to φ and back', () => {
    const tiled = tiledEmbed(k, { power, tile });
    const lexicographic = embed(k, { power });
    expectClose(applyLayoutMap(toLexicographic, tiled), lexicographic);
    expectClose(applyLayoutMap(toTiled, lexicographic), tiled);
  });

  it('the maps turn states, and a query reads the same from both', () => {
    const columns = 3;
    const outer = (phi: FloatArray, seed: number) => {
      const v = noise(columns, seed);
      return Float64Array.from({ length: phi.length * columns }, (_, i) => {
        return phi[Math.floor(i / columns)]! * v[i % columns]!;
      });
    };
    const sum = (a: Float64Array, b: Float64Array) => a.map((value, i) => value + b[i]!);
    const state = sum(outer(embed(q, { power }), 5), outer(embed(k, { power }), 6));
    const tiled = sum(outer(tiledEmbed(q, { power, tile }), 5), outer(tiledEmbed(k, { power, tile }), 6));
    expectClose(applyLayoutMap(toLexicographic, tiled, { columns }), state);
    expectClose(applyLayoutMap(toTiled, state, { columns }), tiled);
  });

  it('any lexicographic state survives the way there and back', () => {
    const state = noise(embeddedSize(d, power) * 2, 7);
    const there = applyLayoutMap(toTiled, state, { columns: 2 });
    expectClose(applyLayoutMap(toLexicographic, there, { columns: 2 }), state);
  });

  it('every tiled entry belongs to exactly one lexicographic one', () => {
    expect([...toLexicographic.index].sort((a, b) => a - b)).toEqual(Array.from(toTiled.index, (_, entry) => entry));
    expect(toLexicographic.start.at(-1)).toBe(toTiled.outputSize);
  });
});

it('tiles of one are the lexicographic layout', () => {
  const x = noise(5, 1);
  expectClose(tiledEmbed(x, { power: 3, tile: 1 }), embed(x, { power: 3 }));
  expect([...lexicographicToTiled(5, 3, 1).index]).toEqual(Array.from({ length: 35 }, (_, i) => i));
});

it('one tile is the full tensor power', () => {
  expect([...tiledEmbed(Float64Array.of(2, 3), { power: 3, tile: 2 })]).toEqual([8, 12, 12, 18, 12, 18, 18, 27]);
});

it('keeps single precision where single came in', () => {
  const x = Float32Array.from(noise(8, 1));
  const out = new Float32Array(tiledSize(8, 2, 4));
  expect(tiledEmbed(x, { power: 2, tile: 4, out })).toBe(out);
  expect(out).toEqual(Float32Array.from(tiledEmbed(Float64Array.from(x), { power: 2, tile: 4 })));
  expect(applyLayoutMap(tiledToLexicographic(8, 2, 4), out)).toBeInstanceOf(Float32Array);
});

it('the maps are built once', () => {
  expect(tiledToLexicographic(6, 2, 3)).toBe(tiledToLexicographic(6, 2, 3));
});

describe('refusals', () => {
  it('tiles that do not divide d', () => {
    expect(() => tiledEmbed(noise(6, 1), { power: 2, tile: 4 })).toThrow(ConfigError);
    expect(() => tiledToLexicographic(6, 2, 4)).toThrow(ConfigError);
  });

  it('states and outputs of another size', () => {
    const map = tiledToLexicographic(4, 2, 2);
    expect(() => applyLayoutMap(map, noise(11, 1))).toThrow(ShapeError);
    expect(() => applyLayoutMap(map, noise(12, 1), { columns: 2 })).toThrow(ShapeError);
    expect(() => applyLayoutMap(map, noise(12, 1), { columns: 0 })).toThrow(ConfigError);
    expect(() => applyLayoutMap(map, noise(12, 1), { out: new Float64Array(9) })).toThrow(ShapeError);
    expect(() => tiledEmbed(new Float64Array(0), { power: 2, tile: 1 })).toThrow(ShapeError);
  });

  it('what cannot be held', () => {
    expect(() => tiledEmbed(noise(64, 1), { power: 8, tile: 16 })).toThrow(OutOfMemoryError);
  });
});
