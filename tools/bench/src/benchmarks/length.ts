/** What a token costs in the chunked form of a long sequence, against one of 1,024 tokens: the same, if cost is linear. */

import type { Benchmark } from '../benchmark';
import { race } from '../measure';
import { SequenceTrial } from '../sequenceTrial';

const [power, d] = [2, 32];
const first = 1024;

export const length: Benchmark = {
  name: 'length',
  summary: `milliseconds per token over T, chunked forward (p=${power}, d=${d}, gated, one head)`,
  onBackend: true,
  async *run({ backend, pace, quick }) {
    const lengths = quick ? [first, 4096] : [first, 4096, 16_384, 65_536];
    const trials = new Map(lengths.map((T) => [T, new SequenceTrial(backend, { T, d, power })]));
    for (const trial of trials.values()) await trial.check('chunked', 'forward');
    const sides = [...trials].map(([T, trial]) => [T, trial.side('chunked', 'forward')] as const);
    const seconds = await race(Object.fromEntries(sides), { ...pace, budget: 2 * pace.budget });
    for (const trial of trials.values()) trial.dispose();
    const perToken = (T: number) => (1e3 * seconds[T]!) / T;
    for (const T of lengths.slice(1)) {
      const [ours, peer] = [perToken(T), perToken(first)];
      yield { shape: `T=${T}, per token`, ours, peer, peerName: `T=${first}`, unit: 'ms' };
    }
  },
};
