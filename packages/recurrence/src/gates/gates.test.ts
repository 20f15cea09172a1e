import { constant, parameter, Tape, type Variable } from '@sympow/autograd';
import { js } from '@sympow/kernels';
import { describe, expect, it } from 'vitest';
import type { LayerSettings } from '../layerEntry';
import { fixedLogGates, gateBias, gates, vectorGateBias } from '.';

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
  const settings: LayerSettings = {
    ...{
      hiddenSize: hidden,
      keyValueHeads: G,
      headSize: d,
      power: 2,
      rotaryHorizon: 100,
      ropeTheta: 100,
      initStd: 0.02,
    },
    ...{ ropeScaling: 'none' as const },
    betaInit: 'zero',
  };

  it.each(gates.map((gate) => ({ gate })))('$gate.name have a logarithm for every token', async ({ gate }) => {
    const weights = new Map<string, Variable>();
    for (const [name, { shape }] of Object.entries(gate.parameters(settings))) {
      weights.set(name, parameter(backend.upload(new Float64Array(shape.reduce((a, b) => a * b)), shape)));
    }
    for (const [name, { shape, values }] of Object.entries(gate.constants?.(settings, backend) ?? {})) {
      weights.set(name, constant(backend.upload(Float64Array.from(values), shape)));
    }
    const log = gate.logGates(new Tape(backend), h, (name) => weights.get(name)!, settings);
    expect(log?.value.shape).toEqual({ 0: undefined, 1: [B, T, G], d: [B, T, G, d] }[gate.width]);
    if (!log) return;
    expect(log.requiresGradient).toBe(gate.name !== 'fixed');
    // Parameters of 0: a sigmoid of ½.
    const expected = (i: number) => (gate.name === 'fixed' ? fixedLogGates(G)[i % G]! : -Math.LN2);
    (await log.value.read()).forEach((x, i) => expect(x).toBeCloseTo(expected(i), 12));
  });
});
