import { js, Random, type Backend, type GateSums, type Tensor } from '@sympow/kernels';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { missing, openAs } from '../gpu.cases';

// What attention of float16 on matrix units loses where large numbers almost cancel, computed with matrices emulated: see
// emulated.cases.ts. Compiling takes nearly all the time, most of a minute for each size.
const allowed = 1e-3;
// A softmax gives a huge token all of its rows' weight: what they say about it cancels to the last digit, and float32 is 1.2e-3 off as well.
const exceptions: Readonly<Record<string, number>> = { 'softmax, one huge token, dq': 3e-3 };
const [T, H] = [130, 2];
const kinds = ['ordinary', 'large norms', 'gates near 0 and 1', 'one huge token'] as const;
type Kind = (typeof kinds)[number];
type Numbers = Readonly<Record<string, Float32Array>>;

function inputsOf(kind: Kind, d: number): Numbers {
  const normal = (name: string, scale = 1) =>
    new Random(0, name).fillNormal(new Float32Array(T * H * d)).map((x, i) => {
      const huge = kind === 'one huge token' && name !== 'dy' && Math.floor(i / (H * d)) === 70;
      return x * (huge ? 1000 : scale);
    });
  const norm = kind === 'large norms' ? 30 : 1;
  const random = new Random(0, 'gates');
  const logGate = Float32Array.from({ length: T * H }, (_, i) =>
    kind === 'gates near 0 and 1' ? (i % 97 === 0 ? -40 : -1e-7) : Math.log(0.9 + 0.1 * random.uniform()),
  );
  return { q: normal('q', norm), k: normal('k', norm), v: normal('v'), dy: normal('dy'), logGate };
}

/** What a pass forward and backward gives, as a tape calls the kernels. */
async function pass(backend: Backend, score: 'power' | 'softmax', numbers: Numbers, d: number) {
  const { kernels } = backend;
  const empty = (...shape: number[]) => backend.empty(shape);
  const [q, k, v, dy] = ['q', 'k', 'v', 'dy'].map((name) => backend.upload(numbers[name]!, [1, T, H, d]));
  const inputs = { q: q!, k: k!, v: v! };
  const gates: GateSums = { A: empty(2, 1, T, H), start: backend.empty([1, T, H], 'int32') };
  kernels.gateSum({ logGate: backend.upload(numbers.logGate!, [1, T, H]), chunk: T, ...gates });
  const rows = () => empty(1, T, H, d);
  const y = rows();
  const gradients = { dq: rows(), dk: rows(), dv: rows(), dA: empty(1, T, H) };
  if (score === 'softmax') {
    const logSum = empty(1, T, H);
    kernels.softmaxAttention({ ...inputs, gates, y, logSum });
    kernels.softmaxAttentionBackward({ ...inputs, gates, y, logSum, dy: dy!, ...gradients });
  } else {
    const options = { power: 2, chunk: T };
    const [rowMax, total, num, dnum, dden] = [empty(1, T, H), empty(1, T, H), rows(), rows(), empty(1, T, H)];
    const den = empty(1, T, H);
    kernels.powerAttention({ ...inputs, gates, ...options, num, den, rowMax });
    const whole = { q: q!, gates, ...options, normalizer: 'sum', rowMax, y, total } as const;
    kernels.queryState({ ...whole, num, den });
    kernels.queryStateBackward({ ...whole, dy: dy!, dnum, dden });
    kernels.powerAttentionBackward({ ...inputs, gates, ...options, rowMax, dnum, dden, ...gradients });
  }
  const dlogGate = empty(1, T, H);
  kernels.gateSumBackward({ dA: gradients.dA, start: gates.start, chunk: T, dlogGate });
  const results: Record<string, Tensor> = { y, ...gradients, dlogGate };
  const read = new Map<string, Float64Array>();
  for (const [name, tensor] of Object.entries(results)) read.set(name, Float64Array.from(await tensor.read()));
  return read;
}

const norm = (x: Float64Array): number => Math.hypot(...x);

describe.skipIf(missing)(`attention of float16 on hard inputs${missing ? `: ${missing}` : ''}`, () => {
  const facts = () => ({ software: true, matrixUnits: true });
  const opened = missing ? undefined : openAs({ products: 'float16', emulated: true, facts });
  afterAll(async () => (await opened)?.close());

  const sizes = [
    { score: 'power', d: 64 },
    { score: 'softmax', d: 64 },
    { score: 'power', d: 37 },
    { score: 'softmax', d: 37 },
  ] as const;
  it.runIf(inject('thorough')).each(sizes)('$score, d = $d', async ({ score, d }) => {
    const definition = await js({ float: 'float64' }).open();
    const worst: Record<string, string> = {};
    for (const kind of kinds) {
      const numbers = inputsOf(kind, d);
      const [actual, expected] = [
        await pass(await opened!, score, numbers, d),
        await pass(definition, score, numbers, d),
      ];
      for (const [name, exact] of expected) {
        const error = norm(exact.map((x, i) => x - actual.get(name)![i]!)) / norm(exact);
        const what = `${score}, ${kind}, ${name}`;
        if (!(error < (exceptions[what] ?? allowed))) worst[what] = error.toExponential(1);
      }
    }
    expect(worst).toEqual({});
  });
});
