import { Tape, type Variable } from '@sympow/autograd';
import { js } from '@sympow/kernels';
import { relativeError } from '@sympow-tools/tiny';
import { describe, expect, it } from 'vitest';
import type { AttentionInputs, Recurrence } from './api';
import { powerRecurrence } from './powerRecurrence';
import { nameOf, sliceInputs, variablesOf, type Way } from './runForms.cases';
import { inputLeaves, Numbers, sequenceCases, type SequenceCase } from './sequences.cases';
import { softmaxRecurrence } from './softmaxRecurrence';

const backend = await js({ float: 'float64' }).open();

/** Lengths of documents that lie end to end in a row of 63 tokens. */
const packings = [
  [1, 62],
  [16, 16, 31],
  [7, 1, 1, 20, 34],
];

const forms: readonly Way[] = [
  { form: 'attention' },
  { form: 'recurrent' },
  { form: 'chunked', chunk: 7 },
  { form: 'chunked', chunk: 64 },
];

/** Outputs and gradients of a case, with `documents` packed in one row or each by itself. */
function run(
  recurrence: Recurrence,
  kase: SequenceCase,
  documents: readonly number[],
  packed: boolean,
): Record<string, Float64Array> {
  const { B, T, H, e } = kase;
  return backend.scope(() => {
    const { variables, inputs } = variablesOf(backend, kase, inputLeaves(kase));
    const tape = new Tape(backend);
    const whole = inputs(tape);
    const y = backend.empty([B, T, H, e]);
    const seed = backend.upload(new Numbers('documents').normal([B, T, H, e]).data, [B, T, H, e]);
    const read = (from: number, count: number, part: AttentionInputs): [Variable, typeof y] => {
      const answer = recurrence.sequence(tape, part, { finalState: false }).y;
      const gradient = backend.empty([B, count, H, e]);
      backend.kernels.copyBlock({ x: answer.value, to: from, count, y });
      backend.kernels.copyBlock({ x: seed, from, count, y: gradient });
      return [answer, gradient];
    };
    const begins = documents.map((_, i) => documents.slice(0, i).reduce((a, b) => a + b, 0));
    if (packed) {
      const flags = Int32Array.from({ length: B * T }, (_, i) => Number(begins.includes(i % T)));
      tape.backward([read(0, T, { ...whole, reset: backend.upload(flags, [B, T]) })]);
    } else {
      tape.backward(documents.map((count, i) => read(begins[i]!, count, sliceInputs(tape, whole, begins[i]!, count))));
    }
    const gradients = Object.entries(variables).map(([name, leaf]) => [`d${name}`, tape.gradientOrZero(leaf)] as const);
    const results = [['y', y] as const, ...gradients];
    return Object.fromEntries(results.map(([name, tensor]) => [name, Float64Array.from(backend.readSync!(tensor))]));
  });
}

function expectApart(recurrence: Recurrence, kase: SequenceCase, what: string): void {
  for (const documents of packings) {
    const [packed, apart] = [true, false].map((each) => run(recurrence, kase, documents, each)) as [
      Record<string, Float64Array>,
      Record<string, Float64Array>,
    ];
    for (const [name, numbers] of Object.entries(apart)) {
      expect(relativeError(packed[name]!, numbers), `${what}, ${documents.join(' + ')}: ${name}`).toBeLessThan(1e-9);
    }
  }
}

describe('documents packed in one row are documents apart, with all gradients', () => {
  // Scores see differences of phases only, so it does not matter that a packed document begins at another phase: except
  // with vector gates, which tell the two halves of a pair apart. They are tried without phases.
  const diagonal = sequenceCases.filter(({ gate, phase }, i) =>
    gate === 'vector' ? phase === 'none' : i % 5 === Math.floor(i / 5),
  );
  it.each(diagonal)('$name', (kase) => {
    for (const way of forms) expectApart(powerRecurrence({ ...kase, ...way }), kase, nameOf(way));
  });

  it.each(diagonal.filter(({ gate }) => gate !== 'vector'))('softmax, $name', (kase) => {
    expectApart(softmaxRecurrence(), kase, 'softmax');
  });
});
