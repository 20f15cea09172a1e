/** φ of many rows against a loop over its definition. */

import { embedBatch } from '@sympow/embedding';
import type { Benchmark } from '../benchmark';
import { expectClose } from '../check';
import { monomials, phi } from '../definition';
import { race } from '../measure';
import { normals } from '../numbers';

const sizes = [
  { d: 32, power: 2 },
  { d: 64, power: 2 },
  { d: 16, power: 4 },
];

export const embedding: Benchmark = {
  name: 'embedding',
  summary: 'the embedding φ against a loop over its definition',
  onBackend: false,
  async *run({ pace }) {
    for (const { d, power } of sizes) {
      const terms = monomials(d, power);
      const D = terms.weights.length;
      const rows = Math.ceil(2 ** 17 / D);
      const x = normals('x', rows * d);
      const [out, expected] = [new Float32Array(rows * D), new Float32Array(rows * D)];
      const ours = () => embedBatch(x, rows, { power, out });
      const definition = () => {
        for (let row = 0; row < rows; row++) phi(terms, x, row * d, expected, row * D);
      };
      ours();
      definition();
      expectClose(`φ for d=${d}, p=${power}`, out, expected, 1e-6);
      const seconds = await race({ ours: { run: ours }, peer: { run: definition } }, pace);
      const speed = (side: 'ours' | 'peer') => (rows * D) / seconds[side] / 1e6;
      yield {
        shape: `p=${power} d=${d}, ${rows} rows`,
        ours: speed('ours'),
        peer: speed('peer'),
        peerName: 'definition loop',
        unit: 'Mentries/s',
      };
    }
  },
};
