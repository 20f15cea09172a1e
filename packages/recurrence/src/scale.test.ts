// Keys of any size: the powers that they are raised to leave the range of a float long before the keys do.
import { parameter, Tape } from '@sympow/autograd';
import { js, type Backend } from '@sympow/kernels';
import { relativeError } from '@sympow-tools/tiny';
import { describe, expect, it } from 'vitest';
import type { PowerState } from './api';
import { powerRecurrence } from './powerRecurrence';
import { nameOf, type Way } from './runForms.cases';
import { Numbers } from './sequences.cases';

const single = await js().open();
const exact = await js({ float: 'float64' }).open();
const [B, T, H, G, d, e] = [2, 40, 2, 1, 3, 3];

const ways: readonly Way[] = [
  { form: 'attention' },
  { form: 'recurrent' },
  { form: 'chunked', chunk: 7 },
  { form: 'chunked', chunk: 16 },
];

/** Outputs, final state and gradients with keys of 2^n, read in pieces of so many tokens. */
function run(backend: Backend, power: number, n: number, way: Way, pieces: readonly number[] = [T], outlier = 1) {
  const numbers = new Numbers('scale');
  return backend.scope(() => {
    const tape = new Tape(backend);
    const leaf = (heads: number, width: number, size: (token: number) => number = () => 1) => {
      const { data } = numbers.normal([B, T, heads, width]);
      return data.map((x, i) => x * size(Math.floor(i / (heads * width)) % T));
    };
    const all = { q: leaf(H, d), k: leaf(G, d, (t) => (t === 5 ? outlier : 1) * 2 ** n), v: leaf(G, e) };
    const dy = numbers.normal([B, T, H, e]).data;
    const rows = (x: Float64Array, from: number, count: number) => {
      const width = x.length / (B * T);
      return Float64Array.from({ length: B * count * width }, (_, i) => {
        const b = Math.floor(i / (count * width));
        return x[(b * T + from) * width + (i % (count * width))]!;
      });
    };
    const results: Record<string, number[]> = { y: [], dq: [], dk: [], dv: [] };
    const seeds: Parameters<Tape['backward']>[0][number][] = [];
    const leaves: Record<'q' | 'k' | 'v', ReturnType<typeof parameter>>[] = [];
    let state: PowerState | undefined;
    let from = 0;
    for (const count of pieces) {
      const upload = (x: Float64Array, heads: number, width: number) =>
        backend.upload(rows(x, from, count), [B, count, heads, width]);
      const inputs = {
        q: parameter(upload(all.q, H, d)),
        k: parameter(upload(all.k, G, d)),
        v: parameter(upload(all.v, G, e)),
      };
      const answer = powerRecurrence({ power, ...way }).sequence(tape, inputs, { state });
      results.y!.push(...backend.readSync!(answer.y.value));
      seeds.push([answer.y, upload(dy, H, e)]);
      leaves.push(inputs);
      state = answer.state;
      from += count;
    }
    tape.keep(state!.S);
    tape.backward(seeds);
    for (const inputs of leaves) {
      for (const name of ['q', 'k', 'v'] as const) {
        results[`d${name}`]!.push(...backend.readSync!(tape.gradientOrZero(inputs[name])));
      }
    }
    results.S = [...backend.readSync!(state!.S.value)];
    return results;
  });
}

describe.each([2, 4, 6])('p = %i', (power) => {
  const expected = run(exact, power, 0, { form: 'attention' });
  /** Largest relative errors, with gradients of keys taken back to keys of 1. */
  const errors = (n: number, way: Way) => {
    const results = run(single, power, n, way);
    results.dk = results.dk!.map((x) => x * 2 ** n);
    return Object.fromEntries(
      ['y', 'dq', 'dk', 'dv'].map((name) => [name, relativeError(results[name]!, expected[name]!)]),
    );
  };

  it.each(ways.map((way) => ({ ...way, name: nameOf(way) })))('$name is as right for keys of any size', (way) => {
    const usual = errors(0, way);
    // From 1e-12 to 1e6.
    for (const n of [-40, -30, -20, -10, 10, 20]) {
      for (const [name, error] of Object.entries(errors(n, way))) {
        expect(error, `${name} of keys of 2^${n}`).toBeLessThan(4 * usual[name]! + 1e-6);
      }
    }
  });

  it.each(ways.map((way) => ({ ...way, name: nameOf(way) })))(
    '$name: the state is that of the keys as they are',
    (way) => {
      const usual = run(single, power, 0, way).S!;
      for (const n of [-40, -20, -10, 10, 18]) {
        // As far as a float32 holds it.
        const held = usual.map((x) => Math.fround(x * 2 ** (n * power)));
        expect(relativeError(run(single, power, n, way).S!, held), `2^${n}`).toBeLessThan(1e-6);
      }
    },
  );

  it('a state that a float32 holds carries on', () => {
    for (const n of [-18, -10, 10, 18]) {
      for (const way of ways) {
        const [whole, parts] = [run(single, power, n, way), run(single, power, n, way, [13, 1, 26])];
        const byBatch = (y: number[]) => [...y].sort((a, b) => a - b);
        expect(relativeError(byBatch(parts.y!), byBatch(whole.y!)), `${nameOf(way)}, 2^${n}`).toBeLessThan(3e-3);
        expect(relativeError(parts.S!, whole.S!), `${nameOf(way)}, 2^${n}`).toBeLessThan(1e-5);
      }
    }
  });

  it('a key of 1e6 among ones: the attention form, and every form in doubles', () => {
    const expected = run(exact, power, 0, { form: 'attention' }, [T], 1e6);
    const attention = run(single, power, 0, { form: 'attention' }, [T], 1e6);
    expect(relativeError(attention.y!, expected.y!)).toBeLessThan(1e-4);
    const chunked = run(exact, power, 0, { form: 'chunked', chunk: 16 }, [T], 1e6);
    expect(relativeError(chunked.y!, expected.y!)).toBeLessThan(1e-6);
  });
});
