// What a delta layer leaves on the tape is what its kind says beforehand.
import { constant, parameter, Tape } from '@sympow/autograd';
import { js } from '@sympow/kernels';
import { expect, it } from 'vitest';
import { gates } from './gates';
import { kinds, type KindCompute } from './kinds';

const backend = await js().open();
const delta = kinds.find(({ name }) => name === 'delta')!;

it.each<[string, number, number, number, KindCompute]>([
  ['16 tokens a chunk', 128, 16, 2, {}],
  ['grouped heads', 128, 32, 1, {}],
  ['64 tokens a chunk', 128, 16, 2, { chunk: 64 }],
  ['attention', 64, 16, 2, { form: 'attention' }],
  ['token by token', 32, 16, 2, { form: 'recurrent' }],
])('%s', (_, T, d, G, compute) => {
  const H = 2;
  const settings = {
    ...({ heads: H, keyValueHeads: G, headSize: d, power: 2, normalizer: 'sum', slidingWindow: 1 } as const),
    gate: gates.find(({ name }) => name === 'data')!,
  };
  backend.scope(() => {
    const x = (value: number, ...shape: number[]) =>
      backend.upload(new Float32Array(shape.reduce((a, b) => a * b)).fill(value), shape);
    const inputs = {
      ...{ q: parameter(x(0.5, 1, T, H, d)), k: parameter(x(0.5, 1, T, G, d)), v: parameter(x(0.5, 1, T, G, d)) },
      ...{ logGate: parameter(x(-0.1, 1, T, G)), own: { b: constant(x(0.5, 1, T, G)) } },
    };
    const before = backend.memory().liveBytes;
    delta.make(settings, compute).sequence(new Tape(backend), inputs, { finalState: false });
    const floats = (backend.memory().liveBytes - before) / 4;
    // Answers are counted with those of every kind.
    const said = delta.tapeFloats(settings, T, compute) + T * (2 * H * d + 3 * H);
    expect(floats / said).toBeGreaterThan(0.75);
    expect(floats / said).toBeLessThan(1.33);
  });
});
