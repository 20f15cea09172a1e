import { js, Random, type Backend } from '@sympow/kernels';
import { afterAll, describe, expect, it } from 'vitest';
import { gpu, missing } from '../gpu.cases';
import { webgpu } from '../backend';

const T = 65_536;
const column = (name: string, f: (x: number) => number, size = T) =>
  new Random(1, name).fillNormal(new Float32Array(size)).map(f);

describe.skipIf(missing)(`sums over ${T} tokens${missing ? `: ${missing}` : ''}`, () => {
  const ours = missing ? undefined : webgpu({ gpu }).open();
  const exact = js({ float: 'float64' }).open();
  afterAll(async () => (await ours)?.close());

  /** The same on both, the definition's numbers last. */
  const both = async <R>(run: (backend: Backend) => Promise<R>): Promise<[R, R]> => [
    await run(await ours!),
    await run(await exact),
  ];

  it.each([
    ['learned β', 1e-4, (x: number) => 1 + Math.tanh(x)],
    ['β of either sign', 6.3, (x: number) => x],
  ])('phases of %s are right to 1e-6 of a turn', async (_name, theta, f) => {
    const [actual, expected] = await both(async (backend) => {
      const turns = backend.empty([1, T, 1, 2]);
      backend.kernels.phaseSum({
        beta: backend.upload(column('beta', f), [1, T, 1]),
        theta: backend.upload([theta, 2 * Math.PI].map(Math.fround), [1, 2]),
        thetaTail: backend.upload([1e-9, 2 * Math.PI - Math.fround(2 * Math.PI)].map(Math.fround), [1, 2]),
        phase: backend.upload([0.25, -0.4].map(Math.fround), [1, 1, 2]),
        turns,
      });
      return Float64Array.from(await turns.read());
    });
    const worst = expected.reduce((most, x, i) => {
      const off = x - actual[i]!;
      return Math.max(most, Math.abs(off - Math.round(off)));
    }, 0);
    expect(worst).toBeLessThan(1e-6);
    expect(actual.every((x) => x >= -0.5 && x < 0.5)).toBe(true);
  });

  it('phases that resume in place go on as if there were no pieces', async () => {
    const steps = column('beta', (x) => 1 + Math.tanh(x), 6000);
    const theta = [0.3, 1e-3].map(Math.fround);
    const backend = await ours!;
    const last = backend.upload([0, 0, 0, 0], [2, 1, 1, 2]);
    const found: number[] = [];
    const pieces = [...new Array<number>(10).fill(100), ...new Array<number>(5).fill(1000)];
    let from = 0;
    for (const T of pieces) {
      const turns = backend.empty([1, T, 1, 2]);
      const beta = backend.upload(steps.subarray(from, from + T), [1, T, 1]);
      backend.kernels.phaseSum({ beta, theta: backend.upload(theta, [1, 2]), resume: last, last, turns });
      found.push(...(await turns.read()));
      from += T;
    }
    const definition = await exact;
    const whole = definition.empty([1, 6000, 1, 2]);
    const beta = definition.upload(steps, [1, 6000, 1]);
    definition.kernels.phaseSum({ beta, theta: definition.upload(theta, [1, 2]), turns: whole });
    const expected = await whole.read();
    const worst = found.reduce((most, x, i) => {
      const off = x - expected[i]!;
      return Math.max(most, Math.abs(off - Math.round(off)));
    }, 0);
    expect(found).toHaveLength(expected.length);
    expect(worst).toBeLessThan(1e-7);
  });

  it.each([
    ['usual', (x: number) => -Math.exp(x - 4)],
    ['near 1', (x: number) => -Math.exp(x - 18)],
    ['steep', (x: number) => -80 * Math.abs(Math.sin(x))],
  ])('sums of log gates, %s, have the digits of head and tail', async (_name, f) => {
    const [actual, expected] = await both(async (backend) => {
      const [A, start] = [backend.empty([2, 1, T, 1]), backend.empty([1, T, 1], 'int32')];
      backend.kernels.gateSum({ logGate: backend.upload(column('gates', f), [1, T, 1]), chunk: T, A, start });
      return Float64Array.from(await A.read());
    });
    for (const t of [0, 1, 100, 12_345, T - 1]) {
      const [sum, right] = [actual[t]! + actual[T + t]!, expected[t]! + expected[T + t]!];
      expect(Math.abs(sum - right) / Math.abs(right)).toBeLessThan(2 ** -44);
    }
  });
});
