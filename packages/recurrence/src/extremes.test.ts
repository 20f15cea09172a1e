import { constant, parameter, Tape } from '@sympow/autograd';
import { defineRecurrence, type RecurrenceSequence } from '@sympow/conformance';
import { js, type Backend } from '@sympow/kernels';
import { relativeError } from '@sympow-tools/tiny';
import { describe, expect, it } from 'vitest';
import { powerRecurrence } from './powerRecurrence';
import { nameOf, ways, type Way } from './runForms.cases';
import { Numbers } from './sequences.cases';

const exact = await js({ float: 'float64' }).open();
const single = await js().open();

const sizes = { B: 1, T: 40, H: 2, G: 1, d: 4, e: 3 };
const { B, T, H, G, d, e } = sizes;

interface Extreme {
  readonly name: string;
  readonly power?: number;
  /** log γ of token t, or of its dimension i with `vector`. */
  readonly logGate?: (t: number, i: number) => number;
  readonly vector?: boolean;
  readonly keys?: (random: number, t: number) => number;
  readonly queryScale?: number;
}

const extremes: readonly Extreme[] = [
  { name: 'gates of exactly 0 everywhere', logGate: () => -Infinity },
  { name: 'gates of exactly 0 now and then', logGate: (t) => (t % 7 === 3 ? -Infinity : -0.1) },
  { name: 'a gate of exactly 0 at the first token', logGate: (t) => (t === 0 ? -Infinity : -0.1) },
  { name: 'gates of exactly 1', logGate: () => 0 },
  { name: 'log gates of −1e4', logGate: () => -1e4 },
  { name: 'log gates of −1e4 now and then', logGate: (t) => (t % 9 === 4 ? -1e4 : 0) },
  { name: 'log gates of −80, which forget without a reset', logGate: () => -80 },
  {
    name: 'vector gates of 0, 1 and −1e4 side by side',
    vector: true,
    logGate: (t, i) => [0, -0.2, -1e4, -Infinity][(t + i) % 4]!,
  },
  { name: 'one dimension always forgotten', vector: true, logGate: (_, i) => (i === 2 ? -Infinity : -0.1) },
  { name: 'all keys equal', keys: () => 0.5 },
  { name: 'keys of 0', keys: () => 0 },
  { name: 'keys of 0 at first', keys: (x, t) => (t < 10 ? 0 : x) },
  { name: 'norms of 1e6', power: 2, keys: (x) => 1e6 * x, queryScale: 1e6 },
  { name: 'norms of 1e-6', power: 2, keys: (x) => 1e-6 * x, queryScale: 1e-6 },
  { name: 'norms of 1e6 and a power of 4', power: 4, keys: (x) => 1e6 * x, queryScale: 1e6 },
  { name: 'queries of 0', queryScale: 0 },
];

function sequence({ name, power = 2, logGate, vector, keys = (x) => x, queryScale = 1 }: Extreme): RecurrenceSequence {
  const numbers = new Numbers(name);
  const width = vector ? d : 1;
  const token = (i: number) => Math.floor(i / (G * d)) % T;
  return {
    ...sizes,
    power,
    normalizer: 'sum',
    q: numbers.normal([B, T, H, d], queryScale).data,
    k: numbers.normal([B, T, G, d]).data.map((x, i) => Math.fround(keys(x, token(i)))),
    v: numbers.normal([B, T, G, e]).data,
    logGate:
      logGate &&
      Float64Array.from({ length: B * T * G * width }, (_, i) => logGate(Math.floor(i / (G * width)) % T, i % width)),
  };
}

function run(backend: Backend, { q, k, v, logGate, power }: RecurrenceSequence, way: Way) {
  const upload = (x: ArrayLike<number>, shape: number[]) => parameter(backend.upload(Float64Array.from(x), shape));
  return backend.scope(() => {
    const tape = new Tape(backend);
    const leaves = {
      q: upload(q, [B, T, H, d]),
      k: upload(k, [B, T, G, d]),
      v: upload(v, [B, T, G, e]),
      ...(logGate && { logGate: upload(logGate, logGate.length === T ? [B, T, G] : [B, T, G, d]) }),
    };
    const { y, state } = powerRecurrence({ power, ...way }).sequence(tape, leaves);
    const results = { y, S: state!.S, Z: state!.Z };
    Object.values(results).forEach((each) => tape.keep(each));
    tape.backward([[y, backend.upload(new Numbers('extremes').normal([B, T, H, e]).data, [B, T, H, e])]]);
    const read = (x: typeof y.value) => Float64Array.from(backend.readSync!(x));
    const gradients = Object.entries(leaves).map(
      ([name, leaf]) => [`d${name}`, read(tape.gradientOrZero(leaf))] as const,
    );
    return {
      results: Object.fromEntries(Object.entries(results).map(([name, { value }]) => [name, read(value)])),
      gradients: Object.fromEntries(gradients),
    };
  });
}

describe.each(extremes)('$name', (extreme) => {
  const inputs = sequence(extreme);
  const expected = defineRecurrence(inputs);
  const reference = run(exact, inputs, { form: 'attention' });

  it.each(ways.map((way) => ({ ...way, name: nameOf(way) })))(
    '$name: outputs and state are the definition, gradients agree',
    ({ name: _, ...way }) => {
      const { results, gradients } = run(exact, inputs, way);
      for (const name of ['y', 'S', 'Z'] as const)
        expect(relativeError(results[name]!, expected[name]), name).toBeLessThan(1e-8);
      for (const [name, gradient] of Object.entries(gradients)) {
        expect(gradient.every(Number.isFinite), `${name} has only numbers`).toBe(true);
        const size = Math.hypot(...reference.gradients[name]!);
        const error = Math.hypot(...gradient.map((x, i) => x - reference.gradients[name]![i]!));
        // Where the answer does not depend on an input, only rounding is left of its gradient.
        expect(error / (size < 1e-9 ? 1 : size), name).toBeLessThan(1e-8);
      }
    },
  );

  it('gives numbers in float32, in every form', () => {
    for (const way of ways) {
      const { results, gradients } = run(single, inputs, way);
      for (const [name, numbers] of Object.entries({ ...results, ...gradients })) {
        expect(numbers.every(Number.isFinite), `${nameOf(way)}: ${name}`).toBe(true);
      }
      if (way.form === 'attention') expect(relativeError(results.y!, expected.y)).toBeLessThan(1e-4);
    }
  });
});

it('a long run of strong gates, then mild ones, is what begins after the strong ones', () => {
  const [strong, mild] = [100, 28];
  const numbers = new Numbers('strong then mild');
  const all = { ...sizes, T: strong + mild, H: 1, power: 2, normalizer: 'sum' as const };
  const q = numbers.normal([1, all.T, 1, d]).data;
  const k = numbers.normal([1, all.T, 1, d]).data;
  const v = numbers.normal([1, all.T, 1, e]).data;
  // Together e^−5000: far below any float, and no gate by itself is 0.
  const logGate = Float64Array.from({ length: all.T }, (_, t) => (t < strong ? -50 : -0.05));
  const rest = <X extends Float64Array>(x: X, width: number) => x.subarray((strong - 1) * width);
  const expected = defineRecurrence({
    ...all,
    T: mild + 1,
    q: rest(q, d),
    k: rest(k, d),
    v: rest(v, e),
    logGate: rest(logGate, 1),
  });
  for (const [backend, limit] of [
    [exact, 1e-9],
    [single, 1e-4],
  ] as const) {
    for (const way of [...ways, { form: 'chunked', chunk: 128 } as const]) {
      if (backend === single && (way.form === 'recurrent' || (way.chunk ?? 100) < 7)) continue;
      const upload = (x: Float64Array, shape: number[]) => constant(backend.upload(x, shape));
      const { y, state } = powerRecurrence({ power: 2, ...way }).sequence(new Tape(backend, { record: false }), {
        q: upload(q, [1, all.T, 1, d]),
        k: upload(k, [1, all.T, 1, d]),
        v: upload(v, [1, all.T, 1, e]),
        logGate: upload(logGate, [1, all.T, 1]),
      });
      const tail = Float64Array.from(backend.readSync!(y.value)).subarray(strong * e);
      expect(relativeError(tail, expected.y.subarray(e)), nameOf(way)).toBeLessThan(limit);
      expect(relativeError(backend.readSync!(state!.S.value), expected.S), nameOf(way)).toBeLessThan(limit);
    }
  }
});
