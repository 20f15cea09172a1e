import { constant, parameter, Tape } from '@sympow/autograd';
import { js } from '@sympow/kernels';
import { describe, expect, it } from 'vitest';
import { fixedLogGates, gateBias, gateModes, logGates, vectorGateBias } from './gates';

const backend = await js({ float: 'float64' }).open();
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

describe('gates', () => {
  it('start at 0.999', () => {
    expect(sigmoid(gateBias)).toBeCloseTo(0.999, 6);
  });

  it.each([1, 2, 4])('that are vectors start so that p = %i of them multiply to as much', (power) => {
    expect(sigmoid(vectorGateBias(power)) ** power).toBeCloseTo(sigmoid(gateBias), 12);
  });

  it('that are fixed forget from a 32nd to a 512th per token, spaced as in RetNet', () => {
    const forgotten = Array.from(fixedLogGates(5), (log) => 1 - Math.exp(log));
    [1 / 32, 1 / 64, 1 / 128, 1 / 256, 1 / 512].forEach((value, g) => expect(forgotten[g]).toBeCloseTo(value, 12));
    expect(Math.exp(fixedLogGates(1)[0]!)).toBeCloseTo(31 / 32, 12);
  });

  const [B, T, G, d, hidden] = [2, 3, 2, 4, 5];
  const h = constant(backend.upload(new Float64Array(B * T * hidden).fill(1), [B, T, hidden]));
  const zeros = (...shape: number[]) =>
    parameter(backend.upload(new Float64Array(shape.reduce((a, b) => a * b)), shape));
  const parameters = {
    none: {},
    fixed: {},
    learned: { bias: zeros(G) },
    data: { weight: zeros(G, hidden), bias: zeros(G) },
    vector: { weight: zeros(G * d, hidden), bias: zeros(G * d) },
  };

  it.each(gateModes.map((mode) => ({ mode })))('of mode $mode have a logarithm for every token', async ({ mode }) => {
    const fixed = constant(backend.upload(fixedLogGates(G), [G]));
    const log = logGates(new Tape(backend), mode, h, G, parameters[mode], fixed);
    if (mode === 'none') {
      expect(log).toBeUndefined();
      return;
    }
    expect(log!.value.shape).toEqual(mode === 'vector' ? [B, T, G, d] : [B, T, G]);
    expect(log!.requiresGradient).toBe(mode !== 'fixed');
    const numbers = Array.from(await log!.value.read());
    // Parameters of 0: a sigmoid of ½.
    numbers.forEach((x, i) => expect(x).toBeCloseTo(mode === 'fixed' ? fixedLogGates(G)[i % G]! : -Math.LN2, 12));
  });
});
