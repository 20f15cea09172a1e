/**
 * Attention inside each chunk with scores (q·k)^p, unnormalised and scaled by its row maximum; specification §3 and §7.3.
 *
 * Rows are taken in blocks: g = Q̂K̂ᵀ with the decay factored into both sides, w = (g/max)^p, num = wV. Nothing is raised to
 * a power before the row's largest |g| is divided out, so scores may lie anywhere in the range of a float.
 */

import { Decay, scaleRows, wholePower } from '../js/decay';
import { product, rowMajor, transpose } from '../js/product';
import { scratch, zeroScratch } from '../js/scratch';
import { floats } from '../js/tensor';
import { overKeys, overQueries } from '../js/triangle';
import type { Tensor } from '../tensor';
import type { Entry, GateSums } from './entry';
import { chunked, type PowerOptions } from './options';

/** What `powerAttention` reads, is told and writes; its entry has the formula. */
export interface PowerAttentionArgs extends PowerOptions {
  /** [B, T, H, d] */
  q: Tensor;
  /** [B, T, G, d] */
  k: Tensor;
  /** [B, T, G, e] */
  v: Tensor;
  gates?: GateSums | undefined;

  /** [B, T, H, e]: Σ_j (g_ij / max_i)^p v_j over the tokens j ≤ i of i's chunk, with g_ij = q_i·k_j e^{(A_i−A_j)/p} / √d. */
  num: Tensor;
  /** [B, T, H]: Σ_j (g_ij / max_i)^p. */
  den: Tensor;
  /** [B, T, H]: max_j |g_ij|. Where it is 0, num and den are 0. */
  rowMax: Tensor;
}

/** What `powerAttentionBackward` reads, is told and writes; its entry has the formula. */
export interface PowerAttentionBackwardArgs extends PowerOptions {
  q: Tensor;
  k: Tensor;
  v: Tensor;
  gates?: GateSums | undefined;
  /** Held constant: the result of `queryState` does not depend on it. */
  rowMax: Tensor;
  dnum: Tensor;
  dden: Tensor;

  dq: Tensor;
  dk: Tensor;
  dv: Tensor;
  dA?: Tensor | undefined;
}

/** What each chunk finds in itself: scores (q·k)^p over their row’s largest, not normalised. */
export const powerAttention: Entry<PowerAttentionArgs> = {
  reads: { q: 'B T H d', k: 'B T G d', v: 'B T G e', 'gates?': 'B T G [d]' },
  writes: { num: 'B T H e', den: 'B T H', rowMax: 'B T H' },
  wide: ['gates', 'num', 'den', 'rowMax'],
  options: chunked,
  roundings: 256,
};

/** The gradients of powerAttention, rowMax held constant. */
export const powerAttentionBackward: Entry<PowerAttentionBackwardArgs> = {
  reads: {
    ...powerAttention.reads,
    rowMax: 'B T H',
    dnum: 'B T H e',
    dden: 'B T H',
  },
  writes: { dq: 'B T H d', dk: 'B T G d', dv: 'B T G e', 'dA?': 'B T G [d]' },
  wide: ['gates', 'rowMax', 'dnum', 'dden', 'dA'],
  options: chunked,
  roundings: 2048,
};

/** What they mean; the `js` backend runs it. */
export const powerAttentionJs = {
  powerAttention: forward,
  powerAttentionBackward: backward,
};

const queryFactors = /* @__PURE__ */ scratch();
const keyFactors = /* @__PURE__ */ scratch();
const queries = /* @__PURE__ */ scratch();
const keys = /* @__PURE__ */ scratch();
const scores = /* @__PURE__ */ scratch();
const gradients = /* @__PURE__ */ scratch();

/** One block of query rows of one head against the keys of its chunk that it may see. */
interface Block {
  batch: number;
  group: number;
  /** Query rows [row, rowEnd) and keys [from, rowEnd). */
  row: number;
  rowEnd: number;
  from: number;
}

function sizes({ q, k, v }: Pick<PowerAttentionArgs, 'q' | 'k' | 'v'>) {
  const [B, T, H, d] = q.shape as [number, number, number, number];
  const G = k.shape[2] as number;
  return { B, T, H, G, d, e: v.shape[3] as number, group: H / G };
}

function* blocksOf(decay: Decay, batch: number, group: number, begin: number, end: number): Generator<Block> {
  for (let row = begin; row < end;) {
    const rowEnd = decay.blockEnd(row, end);
    yield { batch, group, row, rowEnd, from: decay.firstSeen(row, begin) };
    row = rowEnd;
  }
}

/** g_ij of a block for query head h into `scores`, of use up to the diagonal; Q̂ and K̂ stay in `queries` and `keys`. */
function scoreBlock(args: Pick<PowerAttentionArgs, 'q' | 'k' | 'v'>, block: Block, h: number): Float64Array {
  const { T, H, d } = sizes(args);
  const { batch, row, rowEnd, from } = block;
  const rows = rowEnd - row;
  const columns = rowEnd - from;
  const hatQ = queries(rows * d);
  scaleRows(hatQ, floats(args.q), ((batch * T + row) * H + h) * d, H * d, rows, d, queryFactors(0), 1 / Math.sqrt(d));
  const g = scores(rows * columns);
  product(rows, columns, d, rowMajor(hatQ, d), transpose(rowMajor(keys(0), d)), rowMajor(g, columns));
  return g;
}

/** K̂ and the factors of a block, shared by the query heads of its group. */
function prepare(
  args: Pick<PowerAttentionArgs, 'q' | 'k' | 'v'>,
  decay: Decay,
  { batch, group, row, rowEnd, from }: Block,
): void {
  const { T, G, d } = sizes(args);
  const factor = keyFactors((rowEnd - from) * d);
  decay.keys(factor, from, rowEnd, row);
  scaleRows(
    keys((rowEnd - from) * d),
    floats(args.k),
    ((batch * T + from) * G + group) * d,
    G * d,
    rowEnd - from,
    d,
    factor,
  );
  decay.queries(queryFactors((rowEnd - row) * d), row, rowEnd, row);
}

function forward(args: PowerAttentionArgs): void {
  const { v, gates, power, chunk } = args;
  const { B, T, H, G, d, e, group: perGroup } = sizes(args);
  const num = floats(args.num);
  const den = floats(args.den);
  const rowMax = floats(args.rowMax);
  const decay = new Decay(gates, T, G, d, power);
  for (let b = 0; b < B; b++) {
    for (let group = 0; group < G; group++) {
      decay.select(b, group);
      for (let begin = 0; begin < T; begin += chunk) {
        for (const block of blocksOf(decay, b, group, begin, Math.min(T, begin + chunk))) {
          prepare(args, decay, block);
          const { row, rowEnd, from } = block;
          const columns = rowEnd - from;
          const values = rowMajor(floats(v), e, ((b * T + from) * G + group) * e, G * e);
          for (let h = group * perGroup; h < (group + 1) * perGroup; h++) {
            const g = scoreBlock(args, block, h);
            for (let r = 0; r < rowEnd - row; r++) {
              const at = (b * T + row + r) * H + h;
              const end = r * columns + (row + r - from) + 1;
              let max = 0;
              for (let j = r * columns; j < end; j++) max = Math.max(max, Math.abs(g[j]!));
              // Rounded to storage first, so that the backward pass divides by the same number.
              rowMax[at] = max;
              max = rowMax[at]!;
              let sum = 0;
              for (let j = r * columns; j < end; j++) {
                const weight = max === 0 ? 0 : wholePower(g[j]! / max, power);
                g[j] = weight;
                sum += weight;
              }
              den[at] = sum;
            }
            const out = rowMajor(num, e, ((b * T + row) * H + h) * e, H * e);
            overKeys(rowEnd - row, e, row - from, rowMajor(g, columns), values, out);
          }
        }
      }
    }
  }
}

const weights = /* @__PURE__ */ scratch();
const dQueries = /* @__PURE__ */ scratch();
const dKeysBlock = /* @__PURE__ */ zeroScratch();
const dKeys = /* @__PURE__ */ zeroScratch();
const dValues = /* @__PURE__ */ zeroScratch();
const dSums = /* @__PURE__ */ zeroScratch();

function backward(args: PowerAttentionBackwardArgs): void {
  const { gates, power, chunk, dA } = args;
  const { B, T, H, G, d, e, group: perGroup } = sizes(args);
  const [q, k, v] = [floats(args.q), floats(args.k), floats(args.v)];
  const [rowMax, dnum, dden] = [floats(args.rowMax), floats(args.dnum), floats(args.dden)];
  const [dq, dk, dv] = [floats(args.dq), floats(args.dk), floats(args.dv)];
  const decay = new Decay(gates, T, G, d, power);
  for (let b = 0; b < B; b++) {
    for (let group = 0; group < G; group++) {
      decay.select(b, group);
      const dSum = dSums(T * decay.width);
      const dK = dKeys(T * d);
      const dV = dValues(T * e);
      for (let begin = 0; begin < T; begin += chunk) {
        for (const block of blocksOf(decay, b, group, begin, Math.min(T, begin + chunk))) {
          prepare(args, decay, block);
          const { row, rowEnd, from } = block;
          const rows = rowEnd - row;
          const columns = rowEnd - from;
          const values = rowMajor(v, e, ((b * T + from) * G + group) * e, G * e);
          for (let h = group * perGroup; h < (group + 1) * perGroup; h++) {
            const g = scoreBlock(args, block, h);
            const hatQ = queries(0);
            const dRows = rowMajor(dnum, e, ((b * T + row) * H + h) * e, H * e);
            const dG = gradients(rows * columns);
            product(rows, columns, e, dRows, transpose(values), rowMajor(dG, columns));
            const w = weights(rows * columns);
            for (let r = 0; r < rows; r++) {
              const token = (b * T + row + r) * H + h;
              const max = rowMax[token]!;
              const dSumOfRow = dden[token]!;
              const end = r * columns + (row + r - from) + 1;
              for (let j = r * columns; j < end; j++) {
                const ratio = max === 0 ? 0 : g[j]! / max;
                const below = wholePower(ratio, power - 1);
                w[j] = max === 0 ? 0 : below * ratio;
                dG[j] = max === 0 ? 0 : ((dG[j]! + dSumOfRow) * power * below) / max;
              }
            }
            const before = row - from;
            overQueries(rows, e, before, rowMajor(w, columns), dRows, rowMajor(dV, e, from * e));
            const dHatK = dKeysBlock(columns * d);
            overQueries(rows, d, before, rowMajor(dG, columns), rowMajor(hatQ, d), rowMajor(dHatK, d));
            const factor = keyFactors(0);
            for (let i = 0; i < columns * d; i++)
              if (factor[i] !== 0) dK[from * d + i] = dK[from * d + i]! + dHatK[i]! * factor[i]!;
            const dQ = dQueries(rows * d);
            overKeys(rows, d, before, rowMajor(dG, columns), rowMajor(keys(0), d), rowMajor(dQ, d));
            scaleRows(dQ, dQ, 0, d, rows, d, queryFactors(0), 1 / Math.sqrt(d));
            for (let r = 0; r < rows; r++) {
              const at = ((b * T + row + r) * H + h) * d;
              for (let i = 0; i < d; i++) dq[at + i] = dQ[r * d + i]!;
              decay.gradient(dSum, row + r, q, at, dQ, r * d, 1);
            }
          }
        }
      }
      for (let t = 0; t < T; t++) {
        const token = (b * T + t) * G + group;
        for (let i = 0; i < d; i++) dk[token * d + i] = dK[t * d + i]!;
        for (let i = 0; i < e; i++) dv[token * e + i] = dV[t * e + i]!;
        decay.gradient(dSum, t, k, token * d, dK, t * d, -1);
      }
      if (dA) decay.store(dSum, dA);
    }
  }
}
