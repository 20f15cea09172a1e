/** Causal softmax attention with optional gates, of scores or of channels, in blocks of 64 queries: T×S scores never exist at once. */

import { Decay, scaleRows } from '../js/decay';
import { product, rowMajor, transpose, type Matrix } from '../js/product';
import { scratch, zeroScratch } from '../js/scratch';
import { floats, gateView, integers, store } from '../js/tensor';
import { overBandKeys, overBandQueries, overKeys, overQueries } from '../js/triangle';
import type { Sizes } from '../sizes';
import type { Tensor } from '../tensor';
import type { Entry, GateSums } from './entry';
import { atLeast1 } from './options';
import { refuse } from './refuse';

/** What `softmaxAttention` reads, is told and writes; its entry has the formula. */
export interface SoftmaxAttentionArgs {
  /** [B, T, H, d]: query i stands at key position offset + i. */
  q: Tensor;
  /** [B, S, G, d] */
  k: Tensor;
  /** [B, S, G, e] */
  v: Tensor;
  /**
   * Sums over all S positions as one chunk ([2, B, S, G] and [B, S, G]), added to the score as A_i − A_j; absent without gates.
   * With d gates a token ([B, S, G, d]) each decays its own channel of the keys instead, s_ij = Σ_c q_ic k_jc e^{A_ic − A_jc} / √d; with
   * d + 1 the last is added to the score again. A gate of 0 hides what was before it: the keys, or those channels of them.
   */
  gates?: GateSums | undefined;
  /**
   * [B] int32: position of each row's first query among its keys; S − T where absent, and taken as the nearer end of 0 … S − T
   * where it lies outside. Keys after a query's position are not read.
   */
  offset?: Tensor | undefined;
  /** W ≥ 1: a query reads the last W keys, its own included; all before it where absent. */
  window?: number | undefined;

  /** [B, T, H, e] */
  y: Tensor;
  /** [B, T, H]: log of the row's sum of exponentials, kept for the backward pass. */
  logSum: Tensor;
}

/** What `softmaxAttentionBackward` reads, is told and writes; its entry has the formula. */
export interface SoftmaxAttentionBackwardArgs {
  q: Tensor;
  k: Tensor;
  v: Tensor;
  gates?: GateSums | undefined;
  offset?: Tensor | undefined;
  window?: number | undefined;
  y: Tensor;
  logSum: Tensor;
  dy: Tensor;

  dq: Tensor;
  dk: Tensor;
  dv: Tensor;
  /** As the gates: [B, S, G], or with channels, where T = S and there is no offset, [B, S, G, d or d + 1]. */
  dA?: Tensor | undefined;
}

/** Causal attention by softmax, with optional gates of scores or of channels, over all keys or a window: never T×S numbers at once. */
export const softmaxAttention: Entry<SoftmaxAttentionArgs> = {
  reads: { q: 'B T H d', k: 'B S G d', v: 'B S G e', 'gates?': 'B S G [gate]', 'offset?': 'B' },
  writes: { y: 'B T H e', logSum: 'B T H' },
  integers: ['offset'],
  options: { 'window?': atLeast1 },
  wide: ['gates', 'logSum'],
  roundings: 128,
  rule: requireKeys,
};

/** The gradients of softmaxAttention. */
export const softmaxAttentionBackward: Entry<SoftmaxAttentionBackwardArgs> = {
  reads: {
    ...softmaxAttention.reads,
    y: 'B T H e',
    logSum: 'B T H',
    dy: 'B T H e',
  },
  writes: { dq: 'B T H d', dk: 'B S G d', dv: 'B S G e', 'dA?': 'B S G [gate]' },
  integers: ['offset'],
  options: { 'window?': atLeast1 },
  wide: ['gates', 'y', 'logSum', 'dA'],
  roundings: 512,
  rule: requireOwnKeys,
};

/** What they mean; the `js` backend runs it. */
export const softmaxAttentionJs = {
  softmaxAttention: forward,
  softmaxAttentionBackward: backward,
};

function requireKeys({ gates }: Pick<SoftmaxAttentionArgs, 'gates'>, { S, T, d }: Sizes): void {
  if (S < T) refuse('softmaxAttention: keys', S, `at least the ${T} queries`);
  const width = gates?.start.shape[3];
  if (width === undefined || width === d || width === d + 1) return;
  refuse('softmaxAttention: gates of a token', width, `1, ${d} or ${d + 1}`);
}

function requireOwnKeys(args: SoftmaxAttentionBackwardArgs, sizes: Sizes): void {
  requireKeys(args, sizes);
  const { S, T } = sizes;
  if (args.gates?.start.shape[3] === undefined || (S === T && args.offset === undefined)) return;
  refuse('softmaxAttentionBackward: keys', S, `the ${T} queries’ own where gates have channels`);
}

const blockRows = 64;
const scores = /* @__PURE__ */ scratch();
const gradients = /* @__PURE__ */ scratch();

/**
 * A block of query rows of one head with the keys that they see: from the beginning of their document, or, where the block
 * `slides`, each row from one key further on.
 */
interface Block {
  b: number;
  h: number;
  g: number;
  row: number;
  rows: number;
  /** Keys [from, from + columns), and how many of them stand before the first row's own. */
  from: number;
  columns: number;
  before: number;
  slides: boolean;
  /** Rows of queries and keys, decayed by channel where gates have channels. */
  queries: Matrix;
  keys: Matrix;
  values: Matrix;
}

/** Gates that are added to scores: where they lie among those of a token, if there are any. */
function addedGates(args: Pick<SoftmaxAttentionArgs, 'k' | 'gates'>) {
  const view = args.gates && gateView(args.gates);
  if (!view) return undefined;
  const width = channelsOf(args);
  const d = args.k.shape[3]!;
  if (width === d) return undefined;
  const [step, last] = width === 0 ? [1, 0] : [width, d];
  return { ...view, at: (index: number) => index * step + last };
}

/** Gates of a token that decay its channels, one more where one is added: 0 without channels. */
function channelsOf({ gates }: Pick<SoftmaxAttentionArgs, 'gates'>): number {
  return gates?.start.shape[3] ?? 0;
}

const queryFactors = /* @__PURE__ */ scratch();
const keyFactors = /* @__PURE__ */ scratch();
const decayedQueries = /* @__PURE__ */ scratch();
const decayedKeys = /* @__PURE__ */ scratch();

function sizes({ q, k, v }: Pick<SoftmaxAttentionArgs, 'q' | 'k' | 'v'>) {
  const [B, T, H, d] = q.shape as [number, number, number, number];
  const [, S, G] = k.shape as [number, number, number];
  return { B, T, H, d, S, G, e: v.shape[3] as number };
}

function* blocksOf(
  args: Pick<SoftmaxAttentionArgs, 'q' | 'k' | 'v' | 'gates' | 'offset' | 'window'>,
): Generator<Block> {
  const { B, T, H, d, S, G, e } = sizes(args);
  const { window = S } = args;
  const added = addedGates(args);
  const decay = channelsOf(args) > 0 ? new Decay(args.gates, S, G, d, 1) : undefined;
  const offsets = args.offset && integers(args.offset);
  for (let b = 0; b < B; b++) {
    const offset = offsets ? Math.max(0, Math.min(S - T, offsets[b]!)) : S - T;
    for (let h = 0; h < H; h++) {
      const g = Math.floor((h * G) / H);
      const begins = (row: number) =>
        Math.max(0, offset + row + 1 - window, added ? added.start[added.at((b * S + offset + row) * G + g)]! : 0);
      for (let row = 0; row < T;) {
        const from = begins(row);
        const slides = row + 1 < T && begins(row + 1) === from + 1;
        const most = Math.min(blockRows, T - row, slides ? offset + row - from + 1 : T);
        const position = offset + row;
        const alike = decay ? decay.select(b, g).blockEnd(position, S) - position : T;
        let rows = 1;
        while (rows < most && rows < alike && begins(row + rows) === from + (slides ? rows : 0)) rows++;
        const columns = position + rows - from;
        const key = (b * S + from) * G + g;
        const query = (b * T + row) * H + h;
        let queries = rowMajor(floats(args.q), d, query * d, H * d);
        let keys = rowMajor(floats(args.k), d, key * d, G * d);
        if (decay) {
          const [ofQ, ofK] = [queryFactors(rows * d), keyFactors(columns * d)];
          decay.queries(ofQ, position, position + rows, position);
          decay.keys(ofK, from, position + rows, position);
          scaleRows(decayedQueries(rows * d), floats(args.q), query * d, H * d, rows, d, ofQ);
          scaleRows(decayedKeys(columns * d), floats(args.k), key * d, G * d, columns, d, ofK);
          [queries, keys] = [rowMajor(decayedQueries(0), d), rowMajor(decayedKeys(0), d)];
        }
        yield {
          b,
          h,
          g,
          row,
          rows,
          from,
          columns,
          before: position - from,
          slides,
          queries,
          keys,
          values: rowMajor(floats(args.v), e, key * e, G * e),
        };
        row += rows;
      }
    }
  }
}

/** s_ij + A_i − A_j of a block, of use where row i sees column j. */
function scoreBlock(
  args: Pick<SoftmaxAttentionArgs, 'q' | 'k' | 'v' | 'gates' | 'offset' | 'window'>,
  block: Block,
): Float64Array {
  const { d, S, G } = sizes(args);
  const { b, g, from, rows, columns, before, slides } = block;
  const s = scores(rows * columns);
  product(rows, columns, d, block.queries, transpose(block.keys), rowMajor(s, columns));
  const gates = addedGates(args);
  const gateAt = (j: number) => gates!.at((b * S + from + j) * G + g);
  for (let r = 0; r < rows; r++) {
    const own = gates ? gateAt(before + r) : 0;
    const head = gates ? gates.head[own]! : 0;
    const tail = gates ? gates.tail[own]! : 0;
    for (let j = slides ? r : 0; j <= before + r; j++) {
      const x = r * columns + j;
      if (!gates) s[x] = s[x]! / Math.sqrt(d);
      else s[x] = s[x]! / Math.sqrt(d) + (head - gates.head[gateAt(j)]!) + (tail - gates.tail[gateAt(j)]!);
    }
  }
  return s;
}

function forward(args: SoftmaxAttentionArgs): void {
  const { T, H, e } = sizes(args);
  const logSum = floats(args.logSum);
  for (const block of blocksOf(args)) {
    const { b, h, row, rows, columns, before, slides } = block;
    const s = scoreBlock(args, block);
    for (let r = 0; r < rows; r++) {
      const first = r * columns + (slides ? r : 0);
      const end = r * columns + before + r + 1;
      let max = -Infinity;
      for (let x = first; x < end; x++) max = Math.max(max, s[x]!);
      let sum = 0;
      for (let x = first; x < end; x++) {
        const weight = Math.exp(s[x]! - max);
        s[x] = weight;
        sum += weight;
      }
      for (let x = first; x < end; x++) s[x] = s[x]! / sum;
      logSum[(b * T + row + r) * H + h] = max + Math.log(sum);
    }
    const out = rowMajor(floats(args.y), e, ((b * T + row) * H + h) * e, H * e);
    (slides ? overBandKeys : overKeys)(rows, e, before, rowMajor(s, columns), block.values, out);
  }
}

const dQueries = /* @__PURE__ */ scratch();
const dKeys = /* @__PURE__ */ zeroScratch();
const dValues = /* @__PURE__ */ zeroScratch();
const dSums = /* @__PURE__ */ zeroScratch();
const dDecayed = /* @__PURE__ */ zeroScratch();

function backward(args: SoftmaxAttentionBackwardArgs): void {
  const { B, T, H, d, S, G, e } = sizes(args);
  const [y, dy, logSum, dq] = [floats(args.y), floats(args.dy), floats(args.logSum), floats(args.dq)];
  const dK = dKeys(B * S * G * d);
  const dV = dValues(B * S * G * e);
  const dA = dSums(args.gates?.start.size ?? 0);
  const added = addedGates(args);
  const channels = channelsOf(args);
  for (const block of blocksOf(args)) {
    const { b, h, g, row, rows, from, columns, before, slides } = block;
    const [toKeys, toQueries] = slides ? [overBandQueries, overBandKeys] : [overQueries, overKeys];
    const dRows = rowMajor(dy, e, ((b * T + row) * H + h) * e, H * e);
    const p = scoreBlock(args, block);
    const ds = gradients(rows * columns);
    product(rows, columns, e, dRows, transpose(block.values), rowMajor(ds, columns));
    for (let r = 0; r < rows; r++) {
      const token = (b * T + row + r) * H + h;
      let along = 0;
      for (let i = 0; i < e; i++) along += dy[token * e + i]! * y[token * e + i]!;
      const query = (b * S + from + before + r) * G + g;
      for (let j = slides ? r : 0; j <= before + r; j++) {
        const x = r * columns + j;
        p[x] = Math.exp(p[x]! - logSum[token]!);
        const gradient = p[x] * (ds[x]! - along);
        ds[x] = gradient / Math.sqrt(d);
        const key = (b * S + from + j) * G + g;
        if (!added) continue;
        const [toQuery, toKey] = [added.at(query), added.at(key)];
        dA[toQuery] = dA[toQuery]! + gradient;
        dA[toKey] = dA[toKey]! - gradient;
      }
    }
    const key = (b * S + from) * G + g;
    toKeys(rows, e, before, rowMajor(p, columns), dRows, rowMajor(dV, e, key * e, G * e));
    if (channels === 0) {
      toKeys(rows, d, before, rowMajor(ds, columns), block.queries, rowMajor(dK, d, key * d, G * d));
    } else {
      const part = dDecayed(columns * d);
      toKeys(rows, d, before, rowMajor(ds, columns), block.queries, rowMajor(part, d));
      scaleRows(part, part, 0, d, columns, d, keyFactors(0));
      for (let j = 0; j < columns; j++) {
        for (let i = 0; i < d; i++) {
          const at = (key + j * G) * d + i;
          const gate = (key + j * G) * channels + i;
          dK[at] = dK[at]! + part[j * d + i]!;
          if (part[j * d + i] !== 0) dA[gate] = dA[gate]! - part[j * d + i]! * floats(args.k)[at]!;
        }
      }
    }
    const dQ = dQueries(rows * d);
    toQueries(rows, d, before, rowMajor(ds, columns), block.keys, rowMajor(dQ, d));
    if (channels > 0) scaleRows(dQ, dQ, 0, d, rows, d, queryFactors(0));
    for (let r = 0; r < rows; r++) {
      const token = (b * T + row + r) * H + h;
      const gate = (key + (before + r) * G) * channels;
      for (let i = 0; i < d; i++) {
        dq[token * d + i] = dQ[r * d + i]!;
        if (channels > 0) dA[gate + i] = dA[gate + i]! + dQ[r * d + i]! * floats(args.q)[token * d + i]!;
      }
    }
  }
  store(dK, args.dk);
  store(dV, args.dv);
  store(dA, args.dA);
}
