import { constant, parameter, Tape, type Variable } from '@sympow/autograd';
import { ConfigError, js, Random } from '@sympow/kernels';
import { describe, expect, it } from 'vitest';
import type { LayerSettings } from './layerEntry';
import { fixedTheta, frequencies, phases, ropeFrequencies } from './phases';
import { powerRecurrence } from './powerRecurrence';
import { phaseSum, savedPhase, streamPhase, turn, turnStream } from './turning';

const exact = await js({ float: 'float64' }).open();
const single = await js().open();
const quiet = { record: false };

/** Difference of two phases in turns. */
const apart = (a: number, b: number): number => Math.abs(a - b - Math.round(a - b));

describe('frequencies', () => {
  it('are 2π / N^{2m/d}, the same for every head', () => {
    expect(Array.from(frequencies(4, 100, 2))).toEqual([
      2 * Math.PI,
      (2 * Math.PI) / 10,
      2 * Math.PI,
      (2 * Math.PI) / 10,
    ]);
  });

  it('lie in [2π/N, 2π]', () => {
    const theta = frequencies(64, 65_536, 1);
    expect(Math.max(...theta)).toBe(2 * Math.PI);
    expect(Math.min(...theta)).toBeGreaterThan((2 * Math.PI) / 65_536);
  });

  it.each([
    ['an odd head size', 5, 100, /^head size is 5; expected an even number/],
    ['a horizon of 1', 4, 1, /^rotary horizon is 1; expected a number above 1/],
    ['a horizon that is none', 4, NaN, ConfigError],
  ])('refuse %s', (_, d, horizon, message) => {
    expect(() => frequencies(d, horizon, 1)).toThrow(message);
  });
});

describe('phases', () => {
  const [d, T] = [64, 65_536];

  it.each([
    ['β = 1', undefined],
    ['β of data', Float64Array.from({ length: T }, (_, t) => 1 + Math.tanh(new Random(0, 'beta', t).normal()))],
  ])('stay within 1e-5 turns of float64 over 65,536 tokens: %s', (_, beta) => {
    const rounded = beta?.map(Math.fround);
    const theta = frequencies(d, T, 1);
    const at = single.scope(() => {
      const phases = {
        ...fixedTheta(single, d, T, 1),
        ...(rounded && { beta: constant(single.upload(rounded, [1, T, 1])) }),
      };
      return single.readSync!(phaseSum(new Tape(single, quiet), phases, undefined, 1, T).value);
    });
    let [sum, worst] = [0, 0];
    for (let t = 0; t < T; t++) {
      sum += rounded ? rounded[t]! : 1;
      for (let m = 0; m < d / 2; m++)
        worst = Math.max(worst, apart(at[(t * d) / 2 + m]!, (sum * theta[m]!) / (2 * Math.PI)));
    }
    expect(worst).toBeLessThan(1e-5);
  });

  it.each([1, 64])('of a stream that reads %i tokens at a time are within 1e-7 turns after 65,536', async (step) => {
    const theta = frequencies(d, T, 1);
    const phases = fixedTheta(single, d, T, 1);
    const shape = { B: 1, G: 1, d, e: 1, phases: true, gateWidth: 0 };
    const phase = streamPhase(single, shape);
    const x = constant(single.upload(new Float32Array(step * d), [1, step, 1, d]));
    for (let t = 0; t < T; t += step) {
      single.scope(() => turnStream(new Tape(single, quiet), { q: x, k: x, v: x, phases }, phase));
    }
    const { data } = savedPhase({ shape: phase.shape, data: (await phase.read()) as Float32Array }).phase!;
    theta.forEach((rate, m) => expect(apart(data[m]!, (rate / (2 * Math.PI)) * T), `pair ${m}`).toBeLessThan(1e-7));
  });

  it('do not follow the length of the batch: a token answers the same in a sequence of any length', async () => {
    const numbers = new Random(0, 'length').fillNormal(new Float64Array(200 * 4));
    const theta = fixedTheta(exact, 4, 1000, 1);
    const answer = async (T: number) => {
      const x = constant(exact.upload(numbers.subarray(0, T * 4), [1, T, 1, 4]));
      const inputs = { q: x, k: x, v: x, phases: theta };
      const { y } = powerRecurrence({ power: 2, form: 'attention' }).sequence(new Tape(exact, quiet), inputs);
      return Array.from(await y.value.read()).slice(0, 40);
    };
    expect(await answer(200)).toEqual(await answer(10));
    expect(await answer(63)).toEqual(await answer(10));
  });

  it('turn each pair by its own angle, and keys and queries alike', async () => {
    const tape = new Tape(exact, quiet);
    const x = constant(exact.upload([1, 0, 1, 0], [1, 1, 1, 4]));
    const theta = constant(exact.upload([Math.PI / 2, Math.PI], [1, 2]));
    const { q, k, phase } = turn(tape, x, x, { theta }, undefined);
    const near = (expected: number[]) => expected.map((value) => expect.closeTo(value, 12) as number);
    expect(Array.from(await q.value.read())).toEqual(near([0, 1, -1, 0]));
    expect(await k.value.read()).toEqual(await q.value.read());
    expect(Array.from(await phase!.value.read())).toEqual([0.25, -0.5]);
  });
});

describe('phase inputs from a layer', () => {
  const [B, T, G, d, hidden] = [1, 3, 2, 4, 5];
  const h = constant(exact.upload(new Random(0, 'h').fillNormal(new Float64Array(B * T * hidden)), [B, T, hidden]));
  const settings: LayerSettings = {
    ...{ hiddenSize: hidden, keyValueHeads: G, headSize: d, power: 2, rotaryHorizon: 100, initStd: 0.02 },
    ...{ ropeTheta: 100, ropeScaling: 'none', betaInit: 'zero' },
  };

  it.each(phases.map((entry) => ({ entry })))('$entry.name', async ({ entry }) => {
    const weights = new Map<string, Variable>();
    for (const [name, { shape, init }] of Object.entries(entry.parameters(settings))) {
      const values = 'values' in init ? Float64Array.from(init.values()) : new Float64Array(shape[0]! * shape[1]!);
      weights.set(name, parameter(exact.upload(values, shape)));
    }
    for (const [name, { shape, values }] of Object.entries(entry.constants?.(settings, exact) ?? {})) {
      weights.set(name, constant(exact.upload(Float64Array.from(values), shape)));
    }
    const inputs = entry.inputs(new Tape(exact, quiet), h, (name) => weights.get(name)!, settings);
    expect(inputs !== undefined).toBe(entry.turns);
    if (!inputs) return;
    const expected = entry.name === 'rope' ? ropeFrequencies(d, 100, G) : frequencies(d, 100, G);
    expect(await inputs.theta.value.read()).toEqual(expected);
    expect(inputs.theta.requiresGradient).toBe(entry.name === 'learned');
    const beta = inputs.beta?.value;
    expect(beta?.shape).toEqual({ data: [B, T, G], pair: [B, T, G, d / 2] }[entry.name]);
    // Weights of 0 are plain rotary: β = 1.
    if (beta) expect(Array.from(await beta.read()).every((value) => value === 1)).toBe(true);
  });
});
