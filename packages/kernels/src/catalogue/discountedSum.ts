/** The state before every chunk and after the last: S_{n+1} = e^{A_last,n} S_n + ΔS_n; specification §7.2. */

import { multiIndices } from '@sympow/embedding';
import { Decay, decayed } from '../js/decay';
import { scratch, zeroScratch } from '../js/scratch';
import { floats } from '../js/tensor';
import type { Tensor } from '../tensor';
import type { Entry, GateSums } from './entry';
import { atLeast0, chunked, type PowerOptions } from './options';

/** What `discountedSum` reads, is told and writes; its entry has the formula. */
export interface DiscountedSumArgs extends PowerOptions {
  /** [B, n, G, D, e] */
  deltaS: Tensor;
  /** [B, n, G, D] */
  deltaZ: Tensor;
  gates?: GateSums | undefined;
  /** T: needed because the last chunk may be shorter. */
  length: number;
  /** [B, G, D, e], the state before the first token; 0 where absent. */
  S0?: Tensor | undefined;
  /** [B, G, D] */
  Z0?: Tensor | undefined;

  /** [B, n, G, D, e]: the state before each chunk. */
  S: Tensor;
  /** [B, n, G, D] */
  Z: Tensor;
  /** [B, G, D, e]: the state after the last token. May be S0 itself. */
  SLast: Tensor;
  /** [B, G, D]. May be Z0 itself. */
  ZLast: Tensor;
}

/** What `discountedSumBackward` reads, is told and writes; its entry has the formula. */
export interface DiscountedSumBackwardArgs extends PowerOptions {
  gates?: GateSums | undefined;
  length: number;
  S: Tensor;
  Z: Tensor;
  dS: Tensor;
  dZ: Tensor;
  /** [B, G, D, e]; 0 where absent. */
  dSLast?: Tensor | undefined;
  dZLast?: Tensor | undefined;

  dDeltaS: Tensor;
  dDeltaZ: Tensor;
  dS0?: Tensor | undefined;
  dZ0?: Tensor | undefined;
  dA?: Tensor | undefined;
}

/** S_{n+1} = e^{A_last,n} S_n + ΔS_n over the chunks, from S0. */
export const discountedSum: Entry<DiscountedSumArgs> = {
  reads: { deltaS: 'B n G D e', deltaZ: 'B n G D', 'gates?': 'B T G [d]', 'S0?': 'B G D e', 'Z0?': 'B G D' },
  writes: { S: 'B n G D e', Z: 'B n G D', SLast: 'B G D e', ZLast: 'B G D' },
  wide: ['gates'],
  options: { ...chunked, length: atLeast0 },
  roundings: 64,
};

/** The gradients of discountedSum. */
export const discountedSumBackward: Entry<DiscountedSumBackwardArgs> = {
  reads: {
    'gates?': 'B T G [d]',
    S: 'B n G D e',
    Z: 'B n G D',
    dS: 'B n G D e',
    dZ: 'B n G D',
    'dSLast?': 'B G D e',
    'dZLast?': 'B G D',
  },
  writes: {
    dDeltaS: 'B n G D e',
    dDeltaZ: 'B n G D',
    'dS0?': 'B G D e',
    'dZ0?': 'B G D',
    'dA?': 'B T G [d]',
  },
  wide: ['gates', 'dA'],
  options: { ...chunked, length: atLeast0 },
  roundings: 256,
};

/** What they mean; the `js` backend runs it. */
export const discountedSumJs = {
  discountedSum: forward,
  discountedSumBackward: backward,
};

const decays = /* @__PURE__ */ scratch();
const runningS = /* @__PURE__ */ scratch();
const runningZ = /* @__PURE__ */ scratch();
const dSums = /* @__PURE__ */ zeroScratch();

function sizes({ S, gates, power, length }: Pick<DiscountedSumArgs, 'S' | 'gates' | 'power' | 'length'>) {
  const [B, n, G, D, e] = S.shape as [number, number, number, number, number];
  const vector = gates?.start.shape.length === 4;
  const d = vector ? (gates?.start.shape[3] as number) : 1;
  const decay = new Decay(gates, length, G, d, power);
  return { B, n, G, D, e, decay, indices: vector ? multiIndices(d, power) : undefined };
}

function forward(args: DiscountedSumArgs): void {
  const { length, chunk, S0, Z0 } = args;
  const { B, n, G, D, e, decay, indices } = sizes(args);
  const [deltaS, deltaZ, S, Z] = [floats(args.deltaS), floats(args.deltaZ), floats(args.S), floats(args.Z)];
  const factor = decays(D).subarray(0, D);
  for (let b = 0; b < B; b++) {
    for (let g = 0; g < G; g++) {
      decay.select(b, g);
      const first = b * G + g;
      const s = load(runningS(D * e).subarray(0, D * e), S0 && floats(S0), first);
      const z = load(runningZ(D).subarray(0, D), Z0 && floats(Z0), first);
      for (let c = 0; c < n; c++) {
        const state = (b * n + c) * G + g;
        decay.rows(factor, c * chunk, Math.min(length, (c + 1) * chunk) - 1, indices);
        S.set(s, state * D * e);
        Z.set(z, state * D);
        for (let i = 0; i < D; i++) {
          z[i] = decayed(factor[i]!, z[i]!) + deltaZ[state * D + i]!;
          for (let j = i * e; j < (i + 1) * e; j++) s[j] = decayed(factor[i]!, s[j]!) + deltaS[state * D * e + j]!;
        }
      }
      floats(args.SLast).set(s, first * D * e);
      floats(args.ZLast).set(z, first * D);
    }
  }
}

/** The part of `source` that belongs to head `index`, or zeros. */
function load(out: Float64Array, source: ArrayLike<number> | undefined, index: number): Float64Array {
  for (let i = 0; i < out.length; i++) out[i] = source ? source[index * out.length + i]! : 0;
  return out;
}

function backward(args: DiscountedSumBackwardArgs): void {
  const { length, chunk, power, dSLast, dZLast, dS0, dZ0, dA } = args;
  const { B, n, G, D, e, decay, indices } = sizes(args);
  const [S, Z, dS, dZ] = [floats(args.S), floats(args.Z), floats(args.dS), floats(args.dZ)];
  const [dDeltaS, dDeltaZ] = [floats(args.dDeltaS), floats(args.dDeltaZ)];
  const factor = decays(D).subarray(0, D);
  for (let b = 0; b < B; b++) {
    for (let g = 0; g < G; g++) {
      decay.select(b, g);
      const first = b * G + g;
      const dSum = dSums(length * decay.width);
      const ds = load(runningS(D * e).subarray(0, D * e), dSLast && floats(dSLast), first);
      const dz = load(runningZ(D).subarray(0, D), dZLast && floats(dZLast), first);
      for (let c = n - 1; c >= 0; c--) {
        const state = (b * n + c) * G + g;
        const last = Math.min(length, (c + 1) * chunk) - 1;
        decay.rows(factor, c * chunk, last, indices);
        dDeltaS.set(ds, state * D * e);
        dDeltaZ.set(dz, state * D);
        for (let i = 0; i < D; i++) {
          let along = dz[i]! * Z[state * D + i]!;
          dz[i] = decayed(factor[i]!, dz[i]!) + dZ[state * D + i]!;
          for (let j = i * e; j < (i + 1) * e; j++) {
            along += ds[j]! * S[state * D * e + j]!;
            ds[j] = decayed(factor[i]!, ds[j]!) + dS[state * D * e + j]!;
          }
          if (!dA || factor[i] === 0) continue;
          for (let r = 0; r < (indices ? power : 1); r++) {
            const at = indices ? last * decay.width + indices[i * power + r]! : last;
            dSum[at] = dSum[at]! + factor[i]! * along;
          }
        }
      }
      if (dS0) floats(dS0).set(ds, first * D * e);
      if (dZ0) floats(dZ0).set(dz, first * D);
      if (dA) decay.store(dSum, dA);
    }
  }
}
