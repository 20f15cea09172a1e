/** The matrix product against a loop that anybody would write, and against jax-js. */

import type { Array as JaxArray } from '@jax-js/jax';
import type { Benchmark, Setting } from '../benchmark';
import { expectClose, expectTensor } from '../check';
import { race, type Side } from '../measure';
import { normals } from '../numbers';
import { jax, jaxName, numbersOf } from '../peers/jax';

interface Shape {
  readonly m: number;
  readonly k: number;
  readonly n: number;
}

const shapes: readonly Shape[] = [
  { m: 256, k: 256, n: 256 },
  { m: 1, k: 256, n: 1024 },
  { m: 512, k: 512, n: 512 },
  { m: 2048, k: 256, n: 1024 },
];

export const matmul: Benchmark = {
  name: 'matmul',
  summary: 'matrix product against a naive loop and jax-js',
  onBackend: true,
  async *run({ quick, say, ...setting }) {
    for (const shape of quick ? shapes.slice(0, 2) : shapes) {
      const name = `${shape.m}×${shape.k}×${shape.n}`;
      const flops = 2 * shape.m * shape.k * shape.n;
      const seconds = await compared(shape, setting);
      const gflops = (side: keyof typeof seconds) => flops / seconds[side] / 1e9;
      say(`${name}: ${gflops('ours').toFixed(2)} GFLOP/s, jax-js ${gflops('jax').toFixed(2)}`);
      const ours = { shape: name, ours: gflops('ours'), unit: 'GFLOP/s' } as const;
      yield { ...ours, peer: gflops('naive'), peerName: 'naive loop' };
      yield { ...ours, peer: gflops('jax'), peerName: jaxName };
    }
  },
};

async function compared({ m, k, n }: Shape, { backend, pace }: Pick<Setting, 'backend' | 'pace'>) {
  const [a, b] = [normals('a', m * k), normals('b', k * n)];
  const expected = product64({ m, k, n }, a, b);

  const tensors = { a: backend.upload(a, [m, k]), b: backend.upload(b, [k, n]), y: backend.empty([m, n]) };
  const ours: Side = { run: () => backend.kernels.matmul(tensors), settle: () => backend.finish() };
  ours.run();
  await expectTensor(`matmul ${m}×${k}×${n}`, tensors.y, expected, 1e-5);

  const y = new Float32Array(m * n);
  const naive: Side = { run: () => naiveProduct({ m, k, n }, a, b, y) };
  naive.run();
  expectClose('the naive loop', y, expected, 1e-5);

  const library = await jax();
  const { numpy: np } = library;
  const [left, right] = [np.array(a.slice()).reshape([m, k]), np.array(b.slice()).reshape([k, n])];
  let latest: JaxArray | undefined;
  const peer: Side = {
    // Every product is waited for: the library never computes one that is disposed of before somebody asks.
    run: async () => {
      latest?.dispose();
      latest = await library.blockUntilReady(np.matmul(left.ref, right.ref));
    },
  };
  await peer.run();
  expectClose(jaxName, await numbersOf(latest!.ref), expected, 1e-5);

  const seconds = await race({ ours, naive, jax: peer }, pace);
  for (const tensor of [...Object.values(tensors), left, right, latest!]) tensor.dispose();
  return seconds;
}

function product64({ m, k, n }: Shape, a: Float32Array, b: Float32Array): Float64Array {
  const y = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let p = 0; p < k; p++) {
      const x = a[i * k + p]!;
      for (let j = 0; j < n; j++) y[i * n + j]! += x * b[p * n + j]!;
    }
  }
  return y;
}

/** The peer: row times column. */
function naiveProduct({ m, k, n }: Shape, a: Float32Array, b: Float32Array, y: Float32Array): void {
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let p = 0; p < k; p++) sum += a[i * k + p]! * b[p * n + j]!;
      y[i * n + j] = sum;
    }
  }
}
