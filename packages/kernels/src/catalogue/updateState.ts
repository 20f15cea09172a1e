/** What each chunk adds to the state: ΔS = φ(K̂)ᵀV and ΔZ = φ(K̂)ᵀ1, with K̂ decayed to the chunk's end; specification §7.1. */

import { embedBatch, embedBatchBackward } from '@sympow/embedding';
import { Decay, scaleRows } from '../js/decay';
import { product, rowMajor, transpose } from '../js/product';
import { blockOf, scratch, zeroScratch } from '../js/scratch';
import { floats } from '../js/tensor';
import type { Tensor } from '../tensor';
import type { Entry, GateSums } from './entry';
import { chunked, type PowerOptions } from './options';

/** What `updateState` reads, is told and writes; its entry has the formula. */
export interface UpdateStateArgs extends PowerOptions {
  /** [B, T, G, d] */
  k: Tensor;
  /** [B, T, G, e] */
  v: Tensor;
  gates?: GateSums | undefined;

  /** [B, n, G, D, e]: what each chunk adds to S, Σ_j φ(k_j e^{(A_last − A_j)/p}) v_jᵀ. */
  deltaS: Tensor;
  /** [B, n, G, D]: the same for Z. */
  deltaZ: Tensor;
}

/** What `updateStateBackward` reads, is told and writes; its entry has the formula. */
export interface UpdateStateBackwardArgs extends PowerOptions {
  k: Tensor;
  v: Tensor;
  gates?: GateSums | undefined;
  dDeltaS: Tensor;
  dDeltaZ: Tensor;

  dk: Tensor;
  dv: Tensor;
  dA?: Tensor | undefined;
}

/** What each chunk adds to the state. */
export const updateState: Entry<UpdateStateArgs> = {
  reads: { k: 'B T G d', v: 'B T G e', 'gates?': 'B T G [d]' },
  writes: { deltaS: 'B n G D e', deltaZ: 'B n G D' },
  wide: ['gates'],
  options: chunked,
  roundings: 128,
};

/** The gradients of updateState. */
export const updateStateBackward: Entry<UpdateStateBackwardArgs> = {
  reads: { k: 'B T G d', v: 'B T G e', 'gates?': 'B T G [d]', dDeltaS: 'B n G D e', dDeltaZ: 'B n G D' },
  writes: { dk: 'B T G d', dv: 'B T G e', 'dA?': 'B T G [d]' },
  wide: ['gates', 'dA'],
  options: chunked,
  roundings: 256,
};

/** What they mean; the `js` backend runs it. */
export const updateStateJs = {
  updateState: forward,
  updateStateBackward: backward,
};

const factors = /* @__PURE__ */ scratch();
const keys = /* @__PURE__ */ scratch();
const features = /* @__PURE__ */ scratch();
const sumsS = /* @__PURE__ */ zeroScratch();
const sumsZ = /* @__PURE__ */ zeroScratch();
const dFeatures = /* @__PURE__ */ scratch();
const dKeys = /* @__PURE__ */ scratch();
const dSums = /* @__PURE__ */ zeroScratch();

function sizes({ k, v }: Pick<UpdateStateArgs, 'k' | 'v'>, D: number) {
  const [B, T, G, d] = k.shape as [number, number, number, number];
  return { B, T, G, d, e: v.shape[3] as number, rowsAtOnce: blockOf(D) };
}

function forward({ k, v, gates, power, chunk, deltaS, deltaZ }: UpdateStateArgs): void {
  const D = deltaZ.shape[3] as number;
  const { B, T, G, d, e, rowsAtOnce } = sizes({ k, v }, D);
  const n = deltaZ.shape[1] as number;
  const [outS, outZ] = [floats(deltaS), floats(deltaZ)];
  const decay = new Decay(gates, T, G, d, power);
  for (let b = 0; b < B; b++) {
    for (let g = 0; g < G; g++) {
      decay.select(b, g);
      for (let c = 0; c < n; c++) {
        const end = Math.min(T, (c + 1) * chunk);
        const S = sumsS(D * e);
        const Z = sumsZ(D);
        for (let t = decay.firstSeen(end - 1, c * chunk); t < end; t += rowsAtOnce) {
          const rows = Math.min(rowsAtOnce, end - t);
          const phi = embedKeys(decay, floats(k), {
            t,
            rows,
            last: end - 1,
            offset: ((b * T + t) * G + g) * d,
            stride: G * d,
            d,
            D,
            power,
          });
          product(
            D,
            e,
            rows,
            transpose(rowMajor(phi, D)),
            rowMajor(floats(v), e, ((b * T + t) * G + g) * e, G * e),
            rowMajor(S, e),
            true,
          );
          for (let r = 0; r < rows; r++) for (let i = 0; i < D; i++) Z[i] = Z[i]! + phi[r * D + i]!;
        }
        const at = (b * n + c) * G + g;
        outS.set(S.subarray(0, D * e), at * D * e);
        outZ.set(Z.subarray(0, D), at * D);
      }
    }
  }
}

interface Rows {
  t: number;
  rows: number;
  last: number;
  offset: number;
  stride: number;
  d: number;
  D: number;
  power: number;
}

/** φ(K̂) of a block of rows; the factors and K̂ stay in their scratch for the backward pass. */
function embedKeys(
  decay: Decay,
  k: ArrayLike<number>,
  { t, rows, last, offset, stride, d, D, power }: Rows,
): Float64Array {
  const factor = factors(rows * d);
  decay.keys(factor, t, t + rows, last);
  const hat = keys(rows * d).subarray(0, rows * d);
  scaleRows(hat, k, offset, stride, rows, d, factor);
  const phi = features(rows * D).subarray(0, rows * D);
  embedBatch(hat, rows, { power, out: phi });
  return phi;
}

function backward({ k, v, gates, power, chunk, dDeltaS, dDeltaZ, dk, dv, dA }: UpdateStateBackwardArgs): void {
  const D = dDeltaZ.shape[3] as number;
  const { B, T, G, d, e, rowsAtOnce } = sizes({ k, v }, D);
  const n = dDeltaZ.shape[1] as number;
  const [input, gradientS, gradientZ, outK] = [floats(k), floats(dDeltaS), floats(dDeltaZ), floats(dk)];
  const decay = new Decay(gates, T, G, d, power);
  for (let b = 0; b < B; b++) {
    for (let g = 0; g < G; g++) {
      decay.select(b, g);
      const dSum = dSums(T * decay.width);
      for (let c = 0; c < n; c++) {
        const end = Math.min(T, (c + 1) * chunk);
        const state = (b * n + c) * G + g;
        const dS = rowMajor(gradientS, e, state * D * e);
        const seen = decay.firstSeen(end - 1, c * chunk);
        for (let t = c * chunk; t < seen; t++) {
          const token = (b * T + t) * G + g;
          outK.fill(0, token * d, (token + 1) * d);
          floats(dv).fill(0, token * e, (token + 1) * e);
        }
        for (let t = seen; t < end; t += rowsAtOnce) {
          const rows = Math.min(rowsAtOnce, end - t);
          const token = (b * T + t) * G + g;
          const phi = embedKeys(decay, input, {
            t,
            rows,
            last: end - 1,
            offset: token * d,
            stride: G * d,
            d,
            D,
            power,
          });
          product(rows, e, D, rowMajor(phi, D), dS, rowMajor(floats(dv), e, token * e, G * e));
          const dPhi = dFeatures(rows * D).subarray(0, rows * D);
          product(rows, D, e, rowMajor(floats(v), e, token * e, G * e), transpose(dS), rowMajor(dPhi, D));
          for (let r = 0; r < rows; r++)
            for (let i = 0; i < D; i++) dPhi[r * D + i] = dPhi[r * D + i]! + gradientZ[state * D + i]!;
          const dK = dKeys(rows * d).subarray(0, rows * d);
          embedBatchBackward(keys(0).subarray(0, rows * d), dPhi, rows, { power, out: dK });
          scaleRows(dK, dK, 0, d, rows, d, factors(0));
          for (let r = 0; r < rows; r++) {
            const at = (token + r * G) * d;
            for (let i = 0; i < d; i++) outK[at + i] = dK[r * d + i]!;
            // k_j decays by A_last − A_j: what it says about one end it says about the other with the sign turned.
            decay.gradient(dSum, t + r, input, at, dK, r * d, -1);
            decay.gradient(dSum, end - 1, input, at, dK, r * d, 1);
          }
        }
      }
      if (dA) decay.store(dSum, dA);
    }
  }
}
