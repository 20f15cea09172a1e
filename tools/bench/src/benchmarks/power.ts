/** The kernels of the chunked form, each on its own, beside what the backend's own matrix product reaches. */

import { embeddedSize } from '@sympow/embedding';
import type { Backend, Tensor } from '@sympow/kernels';
import type { Benchmark } from '../benchmark';
import { expectClose, expectSlope } from '../check';
import { dot, gateSums, monomials, phi } from '../definition';
import { race, type Side } from '../measure';
import { logGates, normals } from '../numbers';
import { squareProduct } from '../squareProduct';

const [p, d, e] = [2, 32, 32];
const D = embeddedSize(d, p);
const terms = monomials(d, p);

/** A kernel on given inputs. */
interface Trial {
  readonly part: string;
  /** Counted as in specification §7; a backward pass as two forward ones. */
  readonly flops: number;
  readonly run: () => void;
  /** @throws WrongResult unless what `run` leaves behind is what the definition says */
  readonly check: () => Promise<void>;
}

export const power: Benchmark = {
  name: 'power',
  summary: `the kernels of the chunked form in GFLOP/s, beside matmul (p=${p}, d=${d}, gated, one head)`,
  onBackend: true,
  async *run({ backend, pace, quick, say }) {
    const [T, C] = [quick ? 512 : 1024, 128];
    const inputs = new Inputs(backend, T, C);
    const trials = [...updateState(inputs), ...powerAttention(inputs), ...queryState(inputs)];
    for (const { run, check } of trials) {
      run();
      await check();
    }
    say('every kernel is right; now they take turns');
    const product = squareProduct(backend, quick ? 256 : 512);
    const sides: Record<string, Side> = { [product.name]: product.side };
    for (const { part, run } of trials) sides[part] = { run, settle: () => backend.finish() };
    const seconds = await race(sides, { ...pace, budget: 2 * pace.budget });
    product.dispose();
    inputs.dispose();
    for (const { part, flops } of trials) {
      yield {
        part,
        shape: `T=${T} C=${C}`,
        ours: flops / seconds[part]! / 1e9,
        peer: product.flops / seconds[product.name]! / 1e9,
        peerName: product.name,
        unit: 'GFLOP/s',
      };
    }
  },
};

type Values = ArrayLike<number>;

/** What the kernels read: one head, T tokens in chunks of C. */
class Inputs {
  private readonly tensors: Tensor[] = [];
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
  readonly gates: { readonly A: Tensor; readonly start: Tensor };
  /** Sums of log gates in each chunk, by their definition. */
  readonly A: Float64Array;

  constructor(
    readonly backend: Backend,
    readonly T: number,
    readonly C: number,
  ) {
    this.q = this.upload(normals('q', T * d), [1, T, 1, d]);
    this.k = this.upload(normals('k', T * d), [1, T, 1, d]);
    this.v = this.upload(normals('v', T * e), [1, T, 1, e]);
    const logGate = logGates('gates', T);
    this.A = gateSums(logGate, C);
    this.gates = { A: this.empty([2, 1, T, 1]), start: this.empty([1, T, 1], 'int32') };
    backend.kernels.gateSum({ logGate: this.upload(logGate, [1, T, 1]), chunk: C, ...this.gates });
  }

  /** Number of chunks. */
  get n(): number {
    return this.T / this.C;
  }

  get options() {
    return { power: p, chunk: this.C, gates: this.gates };
  }

  upload(data: Float32Array, shape: number[]): Tensor {
    return this.own(this.backend.upload(data, shape));
  }

  random(name: string, shape: number[]): Tensor {
    return this.upload(
      normals(
        name,
        shape.reduce((a, b) => a * b, 1),
      ),
      shape,
    );
  }

  empty(shape: readonly number[], dtype?: 'int32'): Tensor {
    return this.own(this.backend.empty(shape, dtype));
  }

  private own(tensor: Tensor): Tensor {
    this.tensors.push(tensor);
    return tensor;
  }

  dispose(): void {
    for (const tensor of this.tensors) tensor.dispose();
  }
}

/** Outputs [values, of, the, kernel] of a definition against those of a run. */
async function expectOutputs(
  what: string,
  outputs: readonly Tensor[],
  expected: readonly Float64Array[],
): Promise<void> {
  for (const [i, output] of outputs.entries())
    expectClose(`${what} (output ${i})`, await output.read(), expected[i]!, 1e-5);
}

/** Gradients of a backward kernel against the definition of its forward. */
async function expectGradients(
  what: string,
  forward: (inputs: readonly Values[]) => readonly Float64Array[],
  seeds: readonly Tensor[],
  inputs: readonly { readonly value: Values; readonly gradient: Tensor; readonly scale?: number }[],
): Promise<void> {
  const weights = await Promise.all(seeds.map((seed) => seed.read()));
  const slopes = await Promise.all(
    inputs.map(async ({ value, gradient, scale }, i) => ({
      value,
      gradient: await gradient.read(),
      direction: normals(`direction ${i}`, gradient.size, scale),
    })),
  );
  const weighed = (moved: readonly Values[]) =>
    forward(moved).reduce((sum, output, i) => sum + output.reduce((own, x, at) => own + x * weights[i]![at]!, 0), 0);
  expectSlope(what, weighed, slopes, 1e-4);
}

/** How far A is moved when its gradient is checked: gates are near 1. */
const gateScale = 0.1;

function updateState(inputs: Inputs): Trial[] {
  const { backend, T, C, n, k, v, A, options } = inputs;
  const [deltaS, deltaZ] = [inputs.empty([1, n, 1, D, e]), inputs.empty([1, n, 1, D])];
  const [dDeltaS, dDeltaZ] = [inputs.random('dS', [1, n, 1, D, e]), inputs.random('dZ', [1, n, 1, D])];
  const [dk, dv, dA] = [inputs.empty(k.shape), inputs.empty(v.shape), inputs.empty([1, T, 1])];

  const definition = ([keys, values, sums]: readonly Values[]) => {
    const [S, Z, features] = [new Float64Array(n * D * e), new Float64Array(n * D), new Float64Array(D)];
    for (let t = 0; t < T; t++) {
      const chunk = Math.floor(t / C);
      const decay = Math.exp(sums![(chunk + 1) * C - 1]! - sums![t]!);
      phi(terms, keys!, t * d, features, 0);
      for (let i = 0; i < D; i++) {
        const entry = decay * features[i]!;
        Z[chunk * D + i]! += entry;
        for (let c = 0; c < e; c++) S[(chunk * D + i) * e + c]! += entry * values![t * e + c]!;
      }
    }
    return [S, Z];
  };

  const flops = 2 * T * D * (e + 1);
  return [
    {
      part: 'updateState',
      flops,
      run: () => backend.kernels.updateState({ ...options, k, v, deltaS, deltaZ }),
      check: async () =>
        expectOutputs('updateState', [deltaS, deltaZ], definition([await k.read(), await v.read(), A])),
    },
    {
      part: 'updateStateBackward',
      flops: 2 * flops,
      run: () => backend.kernels.updateStateBackward({ ...options, k, v, dDeltaS, dDeltaZ, dk, dv, dA }),
      check: async () =>
        expectGradients(
          'updateStateBackward',
          definition,
          [dDeltaS, dDeltaZ],
          [
            { value: await k.read(), gradient: dk },
            { value: await v.read(), gradient: dv },
            { value: A, gradient: dA, scale: gateScale },
          ],
        ),
    },
  ];
}

function powerAttention(inputs: Inputs): Trial[] {
  const { backend, T, C, q, k, v, A, options } = inputs;
  const [num, den, rowMax] = [inputs.empty([1, T, 1, e]), inputs.empty([1, T, 1]), inputs.empty([1, T, 1])];
  const [dnum, dden] = [inputs.random('dnum', [1, T, 1, e]), inputs.random('dden', [1, T, 1])];
  const [dq, dk, dv] = [inputs.empty(q.shape), inputs.empty(k.shape), inputs.empty(v.shape)];
  const dA = inputs.empty([1, T, 1]);

  /** Σ_j (g_ij / max_i)^p (v_j, 1); the row maximum is found unless it is given. */
  const definition = ([queries, keys, values, sums]: readonly Values[], given?: Values) => {
    const [Q, K] = [
      { data: queries!, width: d },
      { data: keys!, width: d },
    ];
    const [top, bottom, largest] = [new Float64Array(T * e), new Float64Array(T), new Float64Array(T)];
    for (let i = 0; i < T; i++) {
      const begin = i - (i % C);
      const scores = Array.from(
        { length: i - begin + 1 },
        (_, j) => (Math.exp((sums![i]! - sums![begin + j]!) / p) * dot(Q, i, K, begin + j)) / Math.sqrt(d),
      );
      largest[i] = given ? given[i]! : Math.max(...scores.map(Math.abs));
      scores.forEach((score, j) => {
        const weight = (score / largest[i]!) ** p;
        bottom[i]! += weight;
        for (let c = 0; c < e; c++) top[i * e + c]! += weight * values![(begin + j) * e + c]!;
      });
    }
    return [top, bottom, largest];
  };

  const given = async (): Promise<Values[]> => [await q.read(), await k.read(), await v.read(), A];
  const flops = T * C * (d + e);
  return [
    {
      part: 'powerAttention',
      flops,
      run: () => backend.kernels.powerAttention({ ...options, q, k, v, num, den, rowMax }),
      check: async () => expectOutputs('powerAttention', [num, den, rowMax], definition(await given())),
    },
    {
      part: 'powerAttentionBackward',
      flops: 2 * flops,
      run: () => backend.kernels.powerAttentionBackward({ ...options, q, k, v, rowMax, dnum, dden, dq, dk, dv, dA }),
      check: async () => {
        const fixed = await rowMax.read();
        const values = await given();
        await expectGradients(
          'powerAttentionBackward',
          (moved) => definition(moved, fixed).slice(0, 2),
          [dnum, dden],
          [
            ...[dq, dk, dv].map((gradient, i) => ({ value: values[i]!, gradient })),
            { value: A, gradient: dA, scale: gateScale },
          ],
        );
      },
    },
  ];
}

function queryState(inputs: Inputs): Trial[] {
  const { backend, T, C, n, q, k, v, A, gates, options } = inputs;
  const { kernels } = backend;
  // What would come from the kernels before it, so that the divisor is a real one.
  const [num, den, rowMax] = [inputs.empty([1, T, 1, e]), inputs.empty([1, T, 1]), inputs.empty([1, T, 1])];
  kernels.powerAttention({ ...options, q, k, v, num, den, rowMax });
  const [S, Z] = [inputs.empty([1, n, 1, D, e]), inputs.empty([1, n, 1, D])];
  backend.scope(() => {
    const [deltaS, deltaZ] = [backend.empty(S.shape), backend.empty(Z.shape)];
    const [SLast, ZLast] = [backend.empty([1, 1, D, e]), backend.empty([1, 1, D])];
    kernels.updateState({ ...options, k, v, deltaS, deltaZ });
    kernels.discountedSum({ ...options, deltaS, deltaZ, gates, length: T, S, Z, SLast, ZLast });
  });
  const [y, total] = [inputs.empty([1, T, 1, e]), inputs.empty([1, T, 1])];
  const dy = inputs.random('dy', [1, T, 1, e]);
  const gradients = {
    dq: inputs.empty(q.shape),
    dnum: inputs.empty(num.shape),
    dden: inputs.empty(den.shape),
    dS: inputs.empty(S.shape),
    dZ: inputs.empty(Z.shape),
    dA: inputs.empty([1, T, 1]),
  };

  const definition = ([queries, sums, top, bottom, states, normalizers]: readonly Values[], largest: Values) => {
    const [answer, features] = [new Float64Array(T * e), new Float64Array(D)];
    for (let t = 0; t < T; t++) {
      const chunk = Math.floor(t / C);
      const inside = largest[t]! ** p;
      const outside = Math.exp(sums![t]!) / d ** (p / 2);
      phi(terms, queries!, t * d, features, 0);
      let divisor = bottom![t]! * inside;
      for (let c = 0; c < e; c++) answer[t * e + c] = top![t * e + c]! * inside;
      for (let i = 0; i < D; i++) {
        const entry = outside * features[i]!;
        divisor += entry * normalizers![chunk * D + i]!;
        for (let c = 0; c < e; c++) answer[t * e + c]! += entry * states![(chunk * D + i) * e + c]!;
      }
      for (let c = 0; c < e; c++) answer[t * e + c]! /= divisor;
    }
    return [answer];
  };

  const given = async (): Promise<Values[]> => [
    await q.read(),
    A,
    await num.read(),
    await den.read(),
    await S.read(),
    await Z.read(),
  ];
  const operands = { ...options, normalizer: 'sum', q, S, Z, rowMax, y, total } as const;
  const flops = 2 * T * D * (e + 1);
  return [
    {
      part: 'queryState',
      flops,
      run: () => kernels.queryState({ ...operands, num, den }),
      check: async () => expectOutputs('queryState', [y], definition(await given(), await rowMax.read())),
    },
    {
      part: 'queryStateBackward',
      flops: 2 * flops,
      run: () => kernels.queryStateBackward({ ...operands, dy, ...gradients }),
      check: async () => {
        const fixed = await rowMax.read();
        const values = await given();
        const { dq, dA, dnum, dden, dS, dZ } = gradients;
        const wanted = [dq, dA, dnum, dden, dS, dZ];
        await expectGradients(
          'queryStateBackward',
          (moved) => definition(moved, fixed),
          [dy],
          wanted.map((gradient, i) => ({ value: values[i]!, gradient, scale: gradient === dA ? gateScale : 1 })),
        );
      },
    },
  ];
}
