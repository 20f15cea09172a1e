import { describe, expect, it } from 'vitest';
import { fromHalves, toHalves, type HalfType } from './halves';

/** The nearest by search among all finite values, of two the one whose bits are even. */
function nearest(type: HalfType, x: number): number {
  const sign = Object.is(x, -0) || x < 0 ? 0x8000 : 0;
  const [size, first] = [Math.abs(x), type === 'float16' ? 0x7c00 : 0x7f80];
  let [low, high] = [0, first];
  const value = (bits: number) =>
    bits === first ? (type === 'float16' ? 65536 : 2 ** 128) : fromHalves(type, Uint16Array.of(bits))[0]!;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (value(middle) <= size) low = middle;
    else high = middle;
  }
  if (size >= value(high)) low = high;
  const [below, above] = [size - value(low), value(high) - size];
  return sign | (below < above || (below === above && low % 2 === 0) ? low : high);
}

describe.each(['float16', 'bfloat16'] as const)('%s', (type) => {
  const all = Uint16Array.from({ length: 65536 }, (_, bits) => bits);

  it('comes back from all its 65,536 values', () => {
    const values = fromHalves(type, all);
    const back = toHalves(type, values);
    const odd = all.filter((bits) => !Number.isNaN(values[bits]) && back[bits] !== bits);
    expect([...odd]).toEqual([]);
    expect(
      back.every((bits, i) => !Number.isNaN(values[i]) || Number.isNaN(fromHalves(type, Uint16Array.of(bits))[0])),
    ).toBe(true);
  });

  it('is the nearest, also of doubles that lie within one float32 of a tie', () => {
    const values: number[] = [];
    for (const bits of [0, 1, 2, 0x3ff, 0x400, 0x401, 0x1234, 0x3c00, 0x3f80, 0x4cfd, 0x7b00, 0x7bfe]) {
      const [low, high] = fromHalves(type, Uint16Array.of(bits, bits + 1)) as unknown as [number, number];
      const tie = (low + high) / 2;
      values.push(low, tie, tie * (1 - 2 ** -40), tie * (1 + 2 ** -40), tie * (1 - 2 ** -24), tie * (1 + 2 ** -24));
    }
    for (const x of values.flatMap((each) => [each, -each])) {
      expect({ x, bits: toHalves(type, [x])[0] }).toEqual({ x, bits: nearest(type, x) });
    }
  });

  it('goes to infinity half a step beyond the largest', () => {
    const [largest, step] = type === 'float16' ? [65504, 32] : [255 * 2 ** 120, 2 ** 120];
    const values = [largest + step / 2, (largest + step / 2) * (1 - 2 ** -30), 1e300, -Infinity];
    expect([...fromHalves(type, toHalves(type, values))]).toEqual([Infinity, largest, Infinity, -Infinity]);
  });
});
