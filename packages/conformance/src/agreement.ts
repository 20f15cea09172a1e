/** The forms of the recurrence on a backend, held to the double loop. */

import type { Backend } from '@sympow/kernels';
import type { Numbers } from './api';
import { tempers, type LayerCase } from './cases/gates';
import { openDefinition } from './checkCase';
import { compare } from './compare';
import { chunkedForm, defined, stepForm, windowForm, type Sequence, type SequenceResult } from './forms';
import { Inputs } from './inputs';
import { costOfOperands, roundingsOfForms, roundoff, withRoundoff } from './tolerances';

export interface SequenceCase extends LayerCase {
  readonly T: number;
  /** No state before the first token. */
  readonly fresh?: boolean;
}

export const sequences: readonly SequenceCase[] = [
  { name: 'p = 1', T: 17, H: 2, power: 1, gates: 'usual', normalizer: 'none' },
  { name: 'p = 2', B: 2, T: 33, H: 4, G: 2, power: 2, gates: 'usual' },
  { name: 'p = 2 without gates', T: 17, power: 2 },
  { name: 'p = 2 from nothing', T: 33, H: 2, power: 2, gates: 'usual', fresh: true },
  { name: 'p = 3', T: 17, d: 3, power: 3, gates: 'usual', normalizer: 'none' },
  { name: 'p = 4', T: 17, H: 2, d: 3, power: 4, gates: 'usual' },
  { name: 'p = 1, vector gates', T: 17, power: 1, gates: 'usual', vector: true, normalizer: 'none' },
  { name: 'p = 2, vector gates', B: 2, T: 17, H: 4, G: 2, power: 2, gates: 'usual', vector: true },
  { name: 'p = 3, vector gates', T: 17, d: 3, power: 3, gates: 'usual', vector: true, normalizer: 'none' },
  { name: 'vector gates of one number', T: 17, d: 1, power: 2, gates: 'usual', vector: true },
  { name: 'p = 4, vector gates', T: 17, d: 3, power: 4, gates: 'usual', vector: true },
  { name: 'resets', T: 33, H: 2, power: 2, gates: 'resets' },
  { name: 'gates at the threshold', T: 33, power: 2, gates: 'threshold' },
  { name: 'gates of 0 and 1 side by side', T: 17, power: 2, gates: 'uneven', G: 5, H: 5 },
  ...[4, 6].flatMap((power) =>
    [1e-12, 1e-6, 1e-3, 1e3, 3e5].map((keyScale) => ({
      name: `p = ${power}, keys of ${keyScale}`,
      ...{ T: 33, H: 2, d: 2, power, gates: 'usual' as const, keyScale, fresh: keyScale < 1 },
    })),
  ),
  { name: 'uneven vector gates', T: 17, power: 2, gates: 'uneven', vector: true, d: 3 },
];

/** The tokens of a sequence and a state that 40 keys have left before it. */
export async function sequenceOf(kase: SequenceCase, float: 'float32' | 'float64'): Promise<Sequence> {
  const {
    B = 1,
    T,
    G = 1,
    H = G,
    d = 4,
    e = 3,
    power,
    gates,
    vector = false,
    normalizer = 'sum',
    fresh = false,
    keyScale = 1,
  } = kase;
  const inputs = new Inputs(kase.name, float, await openDefinition());
  const earlier = { k: inputs.normal([B, 40, G, d], keyScale), v: inputs.normal([B, 40, G, e]), power, chunk: 40 };
  const { deltaS, deltaZ } = inputs.define('updateState', earlier);
  const without = (numbers: Numbers): Numbers => ({ ...numbers, shape: numbers.shape.filter((_, axis) => axis !== 1) });
  return {
    power,
    normalizer,
    q: inputs.normal([B, T, H, d]),
    k: inputs.normal([B, T, G, d], keyScale),
    v: inputs.normal([B, T, G, e]),
    logGate: gates && tempers[gates](inputs, vector ? [B, T, G, d] : [B, T, G], 5),
    ...(fresh ? {} : { S0: without(deltaS!), Z0: without(deltaZ!) }),
  };
}

/** @throws Error when a result is further from the double loop than `tolerance` */
export function holdTo(expected: SequenceResult, actual: Partial<SequenceResult>, tolerance: number): void {
  for (const output of ['y', 'S', 'Z'] as const) {
    const numbers = actual[output];
    const complaint = numbers && compare(numbers, expected[output], { output, tolerance }).complaint;
    if (complaint) throw new Error(complaint);
  }
}

/** What rounding the inputs to `operandRoundoff` costs the output that suffers most. */
function costOf(sequence: Sequence, expected: SequenceResult, operandRoundoff: number): number {
  if (operandRoundoff === 0) return 0;
  const round = ({ shape, data }: Numbers): Numbers => ({
    shape,
    data: withRoundoff(Float64Array.from(data), operandRoundoff),
  });
  const { q, k, v } = sequence;
  const coarse = defined({ ...sequence, q: round(q), k: round(k), v: round(v) });
  const outputs = ['y', 'S', 'Z'] as const;
  const measured = outputs.map(
    (output) => compare(coarse[output], expected[output], { output, tolerance: 0 }).relative,
  );
  return costOfOperands(operandRoundoff, Math.max(...measured));
}

/** Tests of a backend: each sequence by the attention form, in chunks, and from a window. */
export const agreement: readonly {
  readonly name: string;
  readonly run: (backend: Backend, operandRoundoff?: number) => Promise<void>;
}[] = sequences.map((kase) => ({
  name: `${kase.name}: attention, chunked and window agree with a double loop`,
  run: async (backend, operandRoundoff = 0) => {
    const { float } = backend.capabilities;
    const sequence = await sequenceOf(kase, float);
    const expected = defined(sequence);
    const tolerance = roundingsOfForms * roundoff[float] + costOf(sequence, expected, operandRoundoff);
    for (const chunk of [1, 5, 16, kase.T, kase.T + 9]) {
      // Nearly empty states leave few digits, which is why decoding has its window: exact arithmetic only.
      if (chunk === 1 && float === 'float32') continue;
      holdTo(expected, await chunkedForm(backend, sequence, chunk), tolerance);
    }
    const { S0, Z0 } = sequence;
    if (S0 && Z0) holdTo(expected, { y: await windowForm(backend, { ...sequence, S0, Z0 }) }, tolerance);
  },
}));

/** The bare recurrence as well, for backends whose floats have the digits for it. */
export async function stepAgrees(backend: Backend, kase: SequenceCase, tolerance: number): Promise<void> {
  const sequence = await sequenceOf(kase, backend.capabilities.float);
  holdTo(defined(sequence), await stepForm(backend, sequence), tolerance);
}
