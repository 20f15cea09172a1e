/** The matrix product against a loop that anybody would write, jax-js and OpenBLAS. */

import type { Array as JaxArray } from '@jax-js/jax';
import type { Backend } from '@sympow/kernels';
import type { Benchmark, Result } from '../benchmark';
import { expectClose } from '../check';
import { laps, median, type Pace, type Side } from '../measure';
import { normals } from '../numbers';
import { jax, jaxName, numbersOf } from '../peers/jax';
import { openBlas, openBlasName, type OpenBlas } from '../peers/openblas';

interface Shape {
  readonly m: number;
  readonly k: number;
  readonly n: number;
}

const shapes: readonly Shape[] = [
  { m: 256, k: 256, n: 256 },
  { m: 1, k: 256, n: 1024 },
  { m: 512, k: 512, n: 512 },
  { m: 1024, k: 1024, n: 1024 },
  { m: 2048, k: 256, n: 1024 },
];
/** Multiplications from which on nobody wants to wait for the naive loop. */
const naiveLimit = 512 ** 3;

export const matmul: Benchmark = {
  name: 'matmul',
  summary: 'matrix product against a naive loop, jax-js and OpenBLAS',
  onBackend: true,
  async *run({ backend, openWith, quick, pace, say }) {
    const blas = await openBlas();
    if (typeof blas === 'string') say(`no rows against OpenBLAS: ${blas}`);
    // Where threads can be chosen, one and two of them take the place of what `auto` chose.
    const crews = openWith ? [await openWith(1), await openWith(2)] : [];
    const ours = crews.length > 0 ? crews : [backend];
    for (const shape of quick ? shapes.slice(0, 2) : shapes) {
      const peers = [naive, jaxJs, ...(typeof blas === 'string' ? [] : [blasWith(blas)])];
      yield* compared(shape, ours, peers.slice(shape.m * shape.k * shape.n > naiveLimit ? 1 : 0), pace);
    }
    for (const crew of crews) await crew.close();
  },
};

/** A product under way: what is timed, its result, and an end. */
interface Trial extends Side {
  readonly name: string;
  result(): Promise<ArrayLike<number>>;
  dispose(): void;
}

type Start = (shape: Shape, a: Float32Array, b: Float32Array) => Trial | Promise<Trial>;

async function* compared(
  shape: Shape,
  backends: readonly Backend[],
  peers: readonly Start[],
  pace: Pace,
): AsyncGenerator<Result> {
  const { m, k, n } = shape;
  const [a, b] = [normals('a', m * k), normals('b', k * n)];
  const expected = product64(shape, a, b);
  const trials: Trial[] = [];
  for (const start of [...backends.map(ourProduct), ...peers]) {
    const trial = await start(shape, a, b);
    trials.push(trial);
    await trial.run();
    expectClose(`${trial.name} ${m}×${k}×${n}`, await trial.result(), expected, 1e-5);
  }
  const rounds = await laps(Object.fromEntries(trials.map((trial) => [trial.name, trial])), pace);
  for (const trial of trials) trial.dispose();

  const gflops = (seconds: number) => (2 * m * k * n) / seconds / 1e9;
  const usual = (trial: Trial) => gflops(median(rounds[trial.name]!));
  const best = (trial: Trial) => gflops(Math.min(...rounds[trial.name]!));
  const [ours, others] = [trials.slice(0, backends.length), trials.slice(backends.length)];
  const name = `${m}×${k}×${n}`;
  const [alone, together] = ours;
  for (const [i, trial] of ours.entries()) {
    const { threads } = backends[i]!.capabilities;
    const shape = ours.length > 1 ? `${name}, ${threadsOf(backends[i]!)}` : name;
    for (const peer of others.filter((each) => each.name !== openBlasName || threads === 1))
      yield { shape, ours: usual(trial), peer: usual(peer), peerName: peer.name, unit: 'GFLOP/s' };
  }
  if (alone && together) {
    // The fastest rounds: the second core is not always free.
    const row = { ours: best(together), peer: best(alone), unit: 'GFLOP/s' } as const;
    yield {
      shape: `${name}, ${threadsOf(backends[1]!)}`,
      ...row,
      peerName: `${threadsOf(backends[0]!)}, fastest rounds`,
    };
  }
}

function threadsOf({ capabilities: { threads } }: Backend): string {
  return threads === 1 ? '1 thread' : `${threads} threads`;
}

const ourProduct =
  (backend: Backend): Start =>
  ({ m, k, n }, a, b) => {
    const tensors = { a: backend.upload(a, [m, k]), b: backend.upload(b, [k, n]), y: backend.empty([m, n]) };
    return {
      name: `${backend.name} with ${threadsOf(backend)}`,
      run: () => backend.kernels.matmul(tensors),
      settle: () => backend.finish(),
      result: () => tensors.y.read(),
      dispose: () => Object.values(tensors).forEach((tensor) => tensor.dispose()),
    };
  };

const jaxJs: Start = async ({ m, k, n }, a, b) => {
  const library = await jax();
  const { numpy: np } = library;
  const [left, right] = [np.array(a.slice()).reshape([m, k]), np.array(b.slice()).reshape([k, n])];
  let latest: JaxArray | undefined;
  return {
    name: jaxName,
    // Every product is waited for: the library never computes one that is disposed of before somebody asks.
    run: async () => {
      latest?.dispose();
      latest = await library.blockUntilReady(np.matmul(left.ref, right.ref));
    },
    result: () => numbersOf(latest!.ref),
    dispose: () => [left, right, latest!].forEach((array) => array.dispose()),
  };
};

/** A trial that writes into an array of ours. */
const inPlace =
  (name: string, product: OpenBlas['product']): Start =>
  (shape, a, b) => {
    const y = new Float32Array(shape.m * shape.n);
    return { name, run: () => product(shape, a, b, y), result: async () => y, dispose: () => undefined };
  };

const naive = inPlace('naive loop', naiveProduct);
const blasWith = ({ product }: OpenBlas) => inPlace(openBlasName, product);

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
