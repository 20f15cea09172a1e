/**
 * Mistakes that other implementations of this recurrence have made, one test for each: putting the mistake in turns its
 * test red.
 */

import { constant, Tape } from '@sympow/autograd';
import { defineRecurrence, type RecurrenceAnswer } from '@sympow/conformance';
import { js } from '@sympow/kernels';
import { relativeError } from '@sympow-tools/tiny';
import { describe, expect, it } from 'vitest';
import { fixedTheta } from './phases';
import { powerRecurrence } from './powerRecurrence';
import { nameOf, runPieces, sliceInputs, variablesOf, type Way } from './runForms.cases';
import {
  inputLeaves,
  lossWeights,
  sequenceOf,
  withInitialState,
  type Leaves,
  type SequenceCase,
} from './sequences.cases';

const backend = await js({ float: 'float64' }).open();
const quiet = { record: false };

const sizes = { B: 2, T: 31, H: 2, G: 1, d: 4, e: 3 };
const forms: readonly Way[] = [
  { form: 'attention' },
  { form: 'recurrent' },
  { form: 'chunked', chunk: 1 },
  { form: 'chunked', chunk: 7 },
  { form: 'chunked', chunk: 16 },
];
const cases: readonly SequenceCase[] = [
  { ...sizes, name: 'scalar gates', power: 2, normalizer: 'sum', gate: 'data', phase: 'data' },
  { ...sizes, name: 'vector gates', power: 4, normalizer: 'sum', gate: 'vector', phase: 'pair' },
];

describe.each(cases)('$name', (kase) => {
  const fresh = inputLeaves(kase);
  const leaves = withInitialState(kase, fresh);
  const expected = defineRecurrence(sequenceOf(kase, leaves));

  describe.each(forms.map((way) => ({ way, name: nameOf(way) })))('$name', ({ way }) => {
    const whole = (given: Leaves) => runPieces(backend, kase, given, [{ count: kase.T, ...way }]);

    it('an initial state that is not gated', () => {
      const { y, S, Z } = whole(leaves);
      expect(relativeError(y!, expected.y)).toBeLessThan(1e-9);
      expect(relativeError(S!, expected.S)).toBeLessThan(1e-9);
      expect(relativeError(Z!, expected.Z)).toBeLessThan(1e-9);
    });

    it('a returned state that lacks the last chunk', () => {
      expect(relativeError(whole(fresh).S!, defineRecurrence(sequenceOf(kase, fresh)).S)).toBeLessThan(1e-9);
    });

    it('a returned state that lacks Z', () => {
      expect(relativeError(whole(fresh).Z!, defineRecurrence(sequenceOf(kase, fresh)).Z)).toBeLessThan(1e-9);
    });

    it('outputs that change when a sequence is fed in pieces', () => {
      const { y } = whole(fresh);
      for (const pieces of [
        [1, 30],
        [30, 1],
        [7, 1, 1, 22],
      ]) {
        const parts = pieces.map((count) => ({ count, ...way }));
        expect(relativeError(runPieces(backend, kase, fresh, parts).y!, y!), pieces.join(' + ')).toBeLessThan(1e-9);
      }
    });

    it('several queries sharing the last gate', () => {
      // Only the last token forgets: every query before it must not.
      const last = (i: number) =>
        Math.floor(i / (fresh.logGate!.data.length / (kase.B * kase.T))) % kase.T === kase.T - 1;
      const logGate = { ...fresh.logGate!, data: fresh.logGate!.data.map((_, i) => (last(i) ? -2 : 0)) };
      const given = { ...leaves, logGate };
      expect(relativeError(whole(given).y!, defineRecurrence(sequenceOf(kase, given)).y)).toBeLessThan(1e-9);
    });

    it('NaN for gates that are exactly 0 or 1 or extremely negative', () => {
      const odd = [0, -Infinity, -1e4, -0.1, 0, 0, -1e30];
      const logGate = { ...fresh.logGate!, data: fresh.logGate!.data.map((_, i) => odd[i % odd.length]!) };
      const given = { ...leaves, logGate };
      const results = whole(given);
      for (const [name, numbers] of Object.entries(results)) expect(numbers.every(Number.isFinite), name).toBe(true);
      expect(relativeError(results.y!, defineRecurrence(sequenceOf(kase, given)).y)).toBeLessThan(1e-9);
    });

    it('the denominator stored in the first value feature', () => {
      const first = (i: number) => i % kase.e === 0;
      const without = { ...fresh, v: { ...fresh.v!, data: fresh.v!.data.map((x, i) => (first(i) ? 0 : x)) } };
      const [y, other] = [whole(fresh).y!, whole(without).y!];
      expect(other.filter((_, i) => first(i)).every((x) => x === 0)).toBe(true);
      expect(
        relativeError(
          other.filter((_, i) => !first(i)),
          y.filter((_, i) => !first(i)),
        ),
      ).toBeLessThan(1e-12);
    });

    it('gradients to the initial state missing', () => {
      const weights = lossWeights(kase);
      const loss = (name: string, step: number): number => {
        const moved = { ...leaves[name]!, data: leaves[name]!.data.map((x, i) => x + step * Math.cos(i)) };
        const answer = defineRecurrence(sequenceOf(kase, { ...leaves, [name]: moved }));
        const outputs = Object.entries(weights) as [keyof RecurrenceAnswer, { data: Float64Array }][];
        return outputs.reduce(
          (sum, [output, { data }]) => sum + data.reduce((a, w, i) => a + w * answer[output][i]!, 0),
          0,
        );
      };
      const results = whole(leaves);
      for (const name of ['S0', 'Z0', 'phase0']) {
        const gradient = results[`d${name}`]!;
        const along = gradient.reduce((sum, x, i) => sum + x * Math.cos(i), 0);
        const slope = (loss(name, 1e-5) - loss(name, -1e-5)) / 2e-5;
        expect(Math.abs(along - slope), name).toBeLessThan(1e-5 * Math.hypot(...gradient));
      }
    });

    it('a padded last chunk that leaks into the state', () => {
      // 31 tokens fill no chunk of 7 or 16; what stands behind them in memory belongs to the next batch row.
      const { S, Z } = whole(fresh);
      const answer = defineRecurrence(sequenceOf(kase, fresh));
      expect(relativeError(S!, answer.S)).toBeLessThan(1e-9);
      expect(relativeError(Z!, answer.Z)).toBeLessThan(1e-9);
    });
  });

  describe('decoding', () => {
    // 64 tokens fill the window and are folded into the state, 6 more lie over what was left of them.
    const long = { ...kase, T: 70 };
    const tokens = inputLeaves(long);
    const answer = defineRecurrence(sequenceOf(long, tokens));
    const { B, G, H, d, e, gate } = kase;
    const recurrence = powerRecurrence(kase);
    const memory = recurrence.memory(backend, { B, G, d, e, phases: true, gateWidth: gate === 'vector' ? d : 1 });
    const y = backend.empty([B, long.T, H, e]);
    backend.scope(() => {
      const tape = new Tape(backend, quiet);
      const inputs = variablesOf(backend, long, tokens).inputs(tape);
      for (let t = 0; t < long.T; t++) {
        const token = recurrence.stream(tape, sliceInputs(tape, inputs, t, 1), memory);
        backend.kernels.copyBlock({ x: token.value, to: t, count: 1, y });
      }
    });

    it('an initial state that is not gated', async () => {
      expect(relativeError(await y.read(), answer.y)).toBeLessThan(1e-9);
    });

    it('a padded window that leaks into the state', async () => {
      const { S, Z } = (await memory.save()).tensors;
      expect(relativeError(S!.data, answer.S)).toBeLessThan(1e-9);
      expect(relativeError(Z!.data, answer.Z)).toBeLessThan(1e-9);
    });
  });
});

it('frequencies that follow the batch length', async () => {
  const [horizon, d] = [1000, 4];
  const kase: SequenceCase = {
    ...sizes,
    B: 1,
    H: 1,
    G: 1,
    name: 'length',
    power: 2,
    normalizer: 'sum',
    gate: 'none',
    phase: 'fixed',
  };
  const { q, k, v } = inputLeaves(kase);
  const first = async (T: number) => {
    const rows = ({ data, shape }: typeof q & object) => {
      const width = shape[3]!;
      return constant(backend.upload(data.subarray(0, T * width), [1, T, 1, width]));
    };
    const inputs = { q: rows(q!), k: rows(k!), v: rows(v!), phases: fixedTheta(backend, d, horizon, 1) };
    const { y } = powerRecurrence({ power: 2 }).sequence(new Tape(backend, quiet), inputs);
    return Float64Array.from(await y.value.read()).slice(0, 10 * kase.e);
  };
  expect(relativeError(await first(10), await first(31))).toBeLessThan(1e-12);
});
