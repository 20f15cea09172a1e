/**
 * Joins what a chunk's own attention found with what the state before the chunk knows, and normalises; specification §7.4.
 *
 * Both sides are brought over one factor c = max(rowMax, |q̃|) to the power p before they meet, so neither overflows and the
 * factor cancels in the quotient.
 */

import { embedBatch, embedBatchBackward } from '@sympow/embedding';
import { Decay, scaleRows, wholePower } from '../js/decay';
import { dotRow, product, rowMajor, transpose } from '../js/product';
import { blockOf, scratch, zeroScratch } from '../js/scratch';
import { floats, store } from '../js/tensor';
import type { Tensor } from '../tensor';
import type { Entry, GateSums } from './entry';
import { chunked, normalizer, type Normalizer, type PowerOptions } from './options';

/** What `queryState` reads, is told and writes; its entry has the formula. */
export interface QueryStateArgs extends PowerOptions {
  /** [B, T, H, d] */
  q: Tensor;
  gates?: GateSums | undefined;
  normalizer: Normalizer;
  /** [B, n, G, D, e] and [B, n, G, D]: the state before each chunk; absent when there is no history at all. */
  S?: Tensor | undefined;
  Z?: Tensor | undefined;
  num: Tensor;
  den: Tensor;
  rowMax: Tensor;

  /** [B, T, H, e]: (num·max^p + φ(q̃)ᵀS) / (den·max^p + φ(q̃)·Z) with q̃_i = q_i e^{A_i/p} / √d; 0 where the divisor is 0. */
  y: Tensor;
  /**
   * [B, T, H]: the divisor over c_i^p, where c_i = max(rowMax_i, |q̃_i|) (the common factor, only rowMax without S). With
   * normalizer `none` it is undefined.
   */
  total: Tensor;
}

/** What `queryStateBackward` reads, is told and writes; its entry has the formula. */
export interface QueryStateBackwardArgs extends PowerOptions {
  q: Tensor;
  gates?: GateSums | undefined;
  normalizer: Normalizer;
  S?: Tensor | undefined;
  Z?: Tensor | undefined;
  rowMax: Tensor;
  y: Tensor;
  total: Tensor;
  dy: Tensor;

  dnum: Tensor;
  dden: Tensor;
  /** Present with S. */
  dq?: Tensor | undefined;
  dS?: Tensor | undefined;
  dZ?: Tensor | undefined;
  /** Present with S and gates. */
  dA?: Tensor | undefined;
}

/** The chunk’s own answer joined with what the state before it knows, normalised. */
export const queryState: Entry<QueryStateArgs> = {
  reads: {
    q: 'B T H d',
    'gates?': 'B T G [d]',
    'S?': 'B n G D e',
    'Z?': 'B n G D',
    num: 'B T H e',
    den: 'B T H',
    rowMax: 'B T H',
  },
  writes: { y: 'B T H e', total: 'B T H' },
  wide: ['gates', 'num', 'den', 'rowMax', 'total'],
  options: { ...chunked, normalizer },
  together: ['S', 'Z'],
  roundings: 256,
};

/** The gradients of queryState. */
export const queryStateBackward: Entry<QueryStateBackwardArgs> = {
  reads: {
    q: 'B T H d',
    'gates?': 'B T G [d]',
    'S?': 'B n G D e',
    'Z?': 'B n G D',
    rowMax: 'B T H',
    y: 'B T H e',
    total: 'B T H',
    dy: 'B T H e',
  },
  writes: {
    dnum: 'B T H e',
    dden: 'B T H',
    'dq?': 'B T H d',
    'dS?': 'B n G D e',
    'dZ?': 'B n G D',
    'dA?': 'B T G [d]',
  },
  wide: ['gates', 'rowMax', 'total', 'dnum', 'dden', 'dA'],
  options: { ...chunked, normalizer },
  together: ['S', 'Z', 'dq', 'dS', 'dZ'],
  roundings: 1024,
};

/** What they mean; the `js` backend runs it. */
export const queryStateJs = {
  queryState: forward,
  queryStateBackward: backward,
};

const factors = /* @__PURE__ */ scratch();
const queries = /* @__PURE__ */ scratch();
const features = /* @__PURE__ */ scratch();
const answers = /* @__PURE__ */ scratch();
const common = /* @__PURE__ */ scratch();

interface Sizes {
  B: number;
  T: number;
  H: number;
  G: number;
  d: number;
  e: number;
  D: number;
  n: number;
  power: number;
}

function sizes({ q, y, Z, power, gates }: Pick<QueryStateArgs, 'q' | 'y' | 'Z' | 'power' | 'gates'>): Sizes {
  const [B, T, H, d] = q.shape as [number, number, number, number];
  const G = Z?.shape[2] ?? gates?.start.shape[2] ?? H;
  return {
    B,
    T,
    H,
    G,
    d,
    e: y.shape[3] as number,
    D: Z?.shape[3] ?? 1,
    n: Z?.shape[1] ?? 1,
    power,
  };
}

/** A run of query rows of one head inside one chunk, and the state they read. */
interface Run {
  b: number;
  h: number;
  g: number;
  t: number;
  rows: number;
  begin: number;
  state: number;
  /** Whether these rows see the state: those behind a reset do not. */
  stated: boolean;
}

function* runs({ B, T, H, G, D, n }: Sizes, chunk: number, decay: Decay, stated: boolean): Generator<Run> {
  const rowsAtOnce = blockOf(D);
  for (let b = 0; b < B; b++) {
    for (let h = 0; h < H; h++) {
      const g = Math.floor((h * G) / H);
      for (let begin = 0; begin < T; begin += chunk) {
        const end = Math.min(T, begin + chunk);
        const state = (b * n + begin / chunk) * G + g;
        const seen = stated ? decay.select(b, g).stateEnd(begin, end) : begin;
        for (let t = begin; t < end;) {
          const rows = Math.min(rowsAtOnce, (t < seen ? seen : end) - t);
          yield { b, h, g, t, rows, begin, state, stated: t < seen };
          t += rows;
        }
      }
    }
  }
}

/** φ(q̃/c) of a run; leaves q̃/c in `queries`, the factors that lead from q to it in `factors` and c in `common`. */
function embedQueries(
  { T, H, d, D, power }: Sizes,
  { b, h, t, rows, begin }: Run,
  decay: Decay,
  q: ArrayLike<number>,
  rowMax: ArrayLike<number>,
): Float64Array {
  const factor = factors(rows * d);
  decay.state(factor, t, t + rows, begin);
  const hat = queries(rows * d).subarray(0, rows * d);
  scaleRows(hat, q, ((b * T + t) * H + h) * d, H * d, rows, d, factor, 1 / Math.sqrt(d));
  const c = common(rows);
  for (let r = 0; r < rows; r++) {
    let square = 0;
    for (let i = r * d; i < (r + 1) * d; i++) square += hat[i]! * hat[i]!;
    const scale = Math.max(rowMax[(b * T + t + r) * H + h]!, Math.sqrt(square));
    c[r] = scale;
    for (let i = r * d; i < (r + 1) * d; i++) {
      hat[i] = scale === 0 ? 0 : hat[i]! / scale;
      factor[i] = scale === 0 ? 0 : factor[i]! / (Math.sqrt(d) * scale);
    }
  }
  const phi = features(rows * D).subarray(0, rows * D);
  embedBatch(hat, rows, { power, out: phi });
  return phi;
}

function forward(args: QueryStateArgs): void {
  const { gates, power, chunk, normalizer, S, Z } = args;
  const size = sizes(args);
  const { T, H, d, e, D } = size;
  const [q, num, den, rowMax] = [floats(args.q), floats(args.num), floats(args.den), floats(args.rowMax)];
  const [y, total] = [floats(args.y), floats(args.total)];
  const decay = new Decay(gates, T, size.G, d, power);
  for (const run of runs(size, chunk, decay, S !== undefined)) {
    const { b, h, g, t, rows, state } = run;
    const answer = answers(rows * e);
    const phi = run.stated ? embedQueries(size, run, decay.select(b, g), q, rowMax) : undefined;
    if (phi) product(rows, e, D, rowMajor(phi, D), rowMajor(floats(S!), e, state * D * e), rowMajor(answer, e));
    else answer.fill(0, 0, rows * e);
    for (let r = 0; r < rows; r++) {
      const at = (b * T + t + r) * H + h;
      const c = phi ? common(0)[r]! : rowMax[at]!;
      const inside = c === 0 ? 0 : wholePower(rowMax[at]! / c, power);
      const sum = den[at]! * inside + (phi ? dotRow(phi, r * D, floats(Z!), state * D, D) : 0);
      total[at] = sum;
      const scale = normalizer === 'none' ? wholePower(c, power) : sum === 0 ? 0 : 1 / sum;
      for (let i = 0; i < e; i++) y[at * e + i] = scale * (num[at * e + i]! * inside + answer[r * e + i]!);
    }
  }
}

const dAnswers = /* @__PURE__ */ scratch();
const dTotals = /* @__PURE__ */ scratch();
const dFeatures = /* @__PURE__ */ scratch();
const dQueries = /* @__PURE__ */ scratch();
const dStates = /* @__PURE__ */ zeroScratch();
const dNormalizers = /* @__PURE__ */ zeroScratch();
const dSums = /* @__PURE__ */ zeroScratch();

function backward(args: QueryStateBackwardArgs): void {
  const { gates, power, chunk, normalizer, S, Z, dS, dZ, dA } = args;
  const size = sizes(args);
  const { B, T, H, G, d, e, D, n } = size;
  const [q, rowMax, y, total, dy] = [
    floats(args.q),
    floats(args.rowMax),
    floats(args.y),
    floats(args.total),
    floats(args.dy),
  ];
  const [dnum, dden] = [floats(args.dnum), floats(args.dden)];
  const decay = new Decay(gates, T, G, d, power);
  const sumS = dStates(S ? B * n * G * D * e : 0);
  const sumZ = dNormalizers(S ? B * n * G * D : 0);
  const perHead = T * decay.width;
  const sumA = dSums(S ? B * G * perHead : 0);
  for (const run of runs(size, chunk, decay, S !== undefined)) {
    const { b, h, g, t, rows, state } = run;
    const phi = run.stated ? embedQueries(size, run, decay.select(b, g), q, rowMax) : undefined;
    const dAnswer = dAnswers(rows * e);
    const dTotal = dTotals(rows);
    for (let r = 0; r < rows; r++) {
      const at = (b * T + t + r) * H + h;
      const c = phi ? common(0)[r]! : rowMax[at]!;
      const inside = c === 0 ? 0 : wholePower(rowMax[at]! / c, power);
      const scale = normalizer === 'none' ? wholePower(c, power) : total[at] === 0 ? 0 : 1 / total[at]!;
      let along = 0;
      for (let i = 0; i < e; i++) {
        along += dy[at * e + i]! * y[at * e + i]!;
        dAnswer[r * e + i] = scale * dy[at * e + i]!;
        dnum[at * e + i] = dAnswer[r * e + i]! * inside;
      }
      dTotal[r] = normalizer === 'none' ? 0 : -along * scale;
      dden[at] = dTotal[r]! * inside;
    }
    if (!S || !Z) continue;
    if (!phi) {
      for (let at = (b * T + t) * H + h, r = 0; r < rows; r++, at += H) floats(args.dq!).fill(0, at * d, (at + 1) * d);
      continue;
    }
    const states = rowMajor(floats(S), e, state * D * e);
    const z = floats(Z);
    product(D, e, rows, transpose(rowMajor(phi, D)), rowMajor(dAnswer, e), rowMajor(sumS, e, state * D * e), true);
    const dPhi = dFeatures(rows * D).subarray(0, rows * D);
    product(rows, D, e, rowMajor(dAnswer, e), transpose(states), rowMajor(dPhi, D));
    for (let r = 0; r < rows; r++) {
      const gradient = dTotal[r]!;
      for (let i = 0; i < D; i++) {
        const at = r * D + i;
        sumZ[state * D + i] = sumZ[state * D + i]! + gradient * phi[at]!;
        dPhi[at] = dPhi[at]! + gradient * z[state * D + i]!;
      }
    }
    const dQ = dQueries(rows * d).subarray(0, rows * d);
    embedBatchBackward(queries(0).subarray(0, rows * d), dPhi, rows, { power, out: dQ });
    scaleRows(dQ, dQ, 0, d, rows, d, factors(0));
    const out = floats(args.dq!);
    const dSum = sumA.subarray((b * G + g) * perHead, (b * G + g + 1) * perHead);
    for (let r = 0; r < rows; r++) {
      const at = ((b * T + t + r) * H + h) * d;
      for (let i = 0; i < d; i++) out[at + i] = dQ[r * d + i]!;
      decay.gradient(dSum, t + r, q, at, dQ, r * d, 1);
    }
  }
  store(sumS, dS);
  store(sumZ, dZ);
  if (!dA) return;
  for (let b = 0; b < B; b++) {
    for (let g = 0; g < G; g++) decay.select(b, g).store(sumA.subarray((b * G + g) * perHead), dA);
  }
}
