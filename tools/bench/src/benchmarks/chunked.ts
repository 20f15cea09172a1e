/** The chunked form on long sequences, beside what the backend's own matrix product reaches. */

import { embeddedSize } from '@sympow/embedding';
import { defaultChunk, flopsOf } from '@sympow/recurrence';
import type { Benchmark } from '../benchmark';
import { race, type Side } from '../measure';
import { directions, passes, SequenceTrial } from '../sequenceTrial';
import { squareProduct } from '../squareProduct';

const power = 2;
/** Seconds of one run from which on longer sequences are left out. */
const patience = 5;

export const chunked: Benchmark = {
  name: 'chunked',
  summary: `the chunked form on long sequences in GFLOP/s, beside matmul (p=${power}, gated, one head)`,
  onBackend: true,
  async *run({ backend, pace, quick, say }) {
    const product = squareProduct(backend, quick ? 256 : 512);
    for (const d of quick ? [32] : [32, 64]) {
      const D = embeddedSize(d, power);
      const C = defaultChunk(D);
      for (const direction of directions) {
        let rate = 0;
        for (const T of quick ? [1024] : [4096, 16_384]) {
          if (T * rate > patience) {
            say(`d=${d} T=${T} ${direction}: left out, it would take ${(T * rate).toFixed(0)} s`);
            continue;
          }
          const trial = new SequenceTrial(backend, { T, d, power });
          await trial.check('chunked', direction);
          const sides: Record<string, Side> = { [product.name]: product.side, ours: trial.side('chunked', direction) };
          const seconds = await race(sides, pace);
          trial.dispose();
          rate = seconds.ours! / T;
          const sizes = { T, C, d, e: d, D, initialState: false, finalState: false };
          yield {
            shape: `d=${d} T=${T} ${direction}`,
            ours: (flopsOf('chunked', sizes) * passes[direction]) / seconds.ours! / 1e9,
            peer: product.flops / seconds[product.name]! / 1e9,
            peerName: product.name,
            unit: 'GFLOP/s',
          };
        }
      }
    }
    product.dispose();
  },
};
