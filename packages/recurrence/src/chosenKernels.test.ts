// The lists of kernels that a page gives to `jsWith` hold all that a form calls, and give the numbers of `js()`.
import { parameter, Tape } from '@sympow/autograd';
import { js, jsWith, type Backend, type BackendFactory } from '@sympow/kernels';
import { describe, expect, it } from 'vitest';
import { attentionForm, chunkedForm, chunkedKernels, recurrentForm, recurrentKernels, type FormResult } from './forms';

const [B, T, H, G, d, e, D] = [2, 7, 4, 2, 3, 2, 6];
const shapes = { q: [B, T, H, d], k: [B, T, G, d], v: [B, T, G, e], logGate: [B, T, G], S: [B, G, D, e], Z: [B, G, D] };

const forms = [
  ['chunkedForm', chunkedKernels, (...[tape, inputs, options]) => chunkedForm(tape, inputs, { ...options, chunk: 3 })],
  ['attentionForm', chunkedKernels, attentionForm],
  ['recurrentForm', recurrentKernels, recurrentForm],
] as const satisfies readonly (readonly [string, unknown, (...args: Parameters<typeof attentionForm>) => FormResult])[];

/** The answers, the state after them and every gradient. `backward` begins with a sum of two gradients, as layers do. */
async function numbersOf(factory: BackendFactory, form: (typeof forms)[number][2]): Promise<unknown> {
  await using backend: Backend = await factory.open();
  const leaf = (shape: readonly number[], seed: number) => {
    const size = shape.reduce((product, axis) => product * axis, 1);
    const numbers = Float32Array.from({ length: size }, (_, i) => Math.sin(seed + 1.7 * i));
    return parameter(backend.upload(seed === 4 ? numbers.map((x) => -Math.abs(x)) : numbers, shape));
  };
  const [q, k, v, logGate, S, Z] = Object.values(shapes).map((shape, i) => leaf(shape, i + 1));
  const tape = new Tape(backend);
  const inputs = { q: q!, k: k!, v: v!, logGate: logGate!, initial: { S: S!, Z: Z! } };
  const { y, last } = form(tape, inputs, { power: 2, normalizer: 'sum', finalState: true });
  const outputs = [y, last!.S, last!.Z];
  const answers = await Promise.all(outputs.map(({ value }) => value.read()));
  tape.backward(
    [...outputs, y].map((each, i) => [each, leaf(each.value.shape, 10 + i).value] as [typeof each, typeof each.value]),
  );
  const gradients = [q, k, v, logGate, S, Z].map((each) => tape.gradient(each!)!);
  return [answers, await Promise.all(gradients.map((gradient) => gradient.read()))];
}

describe.each(forms)('%s', (_, kernels, form) => {
  it.each(['float32', 'float64'] as const)('on its own kernels, %s', async (float) => {
    expect(await numbersOf(jsWith(kernels, { float }), form)).toEqual(await numbersOf(js({ float }), form));
  });
});

it('a kernel that was not given says so', async () => {
  await using backend = await jsWith(recurrentKernels).open();
  const x = backend.upload([1, 2], [2]);
  expect(() => backend.kernels.silu({ x, y: backend.empty([2]) })).toThrow(
    'kernel silu is "missing"; expected one of those that jsWith was given. Add it',
  );
  expect(() => backend.kernels.silu({ x, y: backend.empty([3]) })).toThrow('silu: shape of y');
});
