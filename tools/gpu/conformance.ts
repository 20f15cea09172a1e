// The conformance suite, and recurrences so large that matrix units take them, on ordinary and hard inputs.
import { cases, checkCase, recurrenceCases, roundoff } from '@sympow/conformance';
import type { Subject } from './subject';

/** Kernels whose numbers depend on how products are computed. */
const multiplies = /^(matmul|linearCrossEntropy|normLinear|updateState|queryState|powerAttention|softmaxAttention)/;

const usual = { T: 300, G: 1, H: 2, d: 64, e: 64, power: 2, chunk: 130, gates: 'usual' } as const;
const large = [
  ...(['usual', 'resets', 'threshold', 'uneven'] as const).map((gates) => ({
    ...usual,
    name: `large, ${gates}`,
    gates,
  })),
  ...[1e-6, 1e3, 3e5].map((keyScale) => ({ ...usual, name: `large, keys of ${keyScale}`, keyScale })),
  ...[32, 128].map((d) => ({ ...usual, name: `large, d = ${d}`, T: 200, H: 1, d, e: d, chunk: 100 })),
  { ...usual, name: 'large, p = 4', T: 200, H: 1, d: 16, power: 4, chunk: 100 },
];
const small = [{ ...usual, name: 'tiny', T: 20, d: 8, e: 8, chunk: 12 }];

interface Row {
  readonly passed: number;
  readonly failed: number;
  /** The most of what is allowed that an output was off by. */
  readonly share: number;
  readonly error: number;
}

/** A line for each case that fails and one for each kernel. Where time runs out, what ran so far counts. */
export async function conformance(subject: Subject): Promise<void> {
  const backend = await subject.open();
  const products = subject.productsOn(backend.adapter);
  const operandRoundoff = { float32: 0, split: 2 ** -20, float16: roundoff.float16 }[products];
  const recurrences = (subject.tiny ? small : large).flatMap((situation) => recurrenceCases(situation));
  const own = products === 'float32' ? cases : cases.filter(({ kernel }) => multiplies.test(kernel));
  const wanted = [
    ...recurrences.filter(({ kernel }) => multiplies.test(kernel)),
    ...(subject.tiny ? own.filter((_, i) => i % 60 === 0) : own),
  ];
  const rows = new Map<string, Row>();
  let ran = 0;
  const summary = () => {
    for (const [kernel, row] of rows) subject.say(kernel, { ...row });
    subject.say('cases', { ran, of: wanted.length });
  };
  // How a limit ends the process.
  process.on('SIGTERM', () => {
    summary();
    process.exit(3);
  });
  for (const kase of wanted) {
    if (subject.left() < 3) break;
    ran++;
    let { passed, failed, share, error } = rows.get(kase.kernel) ?? { passed: 0, failed: 0, share: 0, error: 0 };
    try {
      const { complaints, deviations } = await checkCase(backend, kase, undefined, { operandRoundoff });
      for (const { relative, tolerance } of deviations) {
        error = Math.max(error, relative);
        if (tolerance > 0) share = Math.max(share, relative / tolerance);
      }
      if (complaints.length === 0) passed++;
      else {
        failed++;
        subject.say('FAILED', {
          kernel: kase.kernel,
          case: kase.name,
          complaints: complaints.join('; ').slice(0, 300),
        });
      }
    } catch (thrown) {
      failed++;
      const message = (thrown as Error).message.slice(0, 400);
      subject.say('ERROR', { kernel: kase.kernel, case: kase.name, error: message });
    }
    rows.set(kase.kernel, { passed, failed, share, error });
  }
  summary();
}
