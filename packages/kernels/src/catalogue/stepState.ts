/** One token of the recurrent form, S ← γS + φ(k)vᵀ and Y = φ(q)ᵀS / φ(q)·Z; specification §6. */

import { embedBatch, embedBatchBackward, multiIndices } from '@sympow/embedding';
import { decayed, resetBelow } from '../js/decay';
import { dotRow, product, rowMajor } from '../js/product';
import { scratch, zeroScratch } from '../js/scratch';
import { floats, store } from '../js/tensor';
import type { Tensor } from '../tensor';
import type { Entry } from './entry';
import { atLeast1, normalizer, type Normalizer } from './options';

/** What `stepState` reads, is told and writes; its entry has the formula. */
export interface StepStateArgs {
  power: number;
  normalizer: Normalizer;
  /** [B, H, d] */
  q: Tensor;
  /** [B, G, d] */
  k: Tensor;
  /** [B, G, e] */
  v: Tensor;
  /** [B, G] or [B, G, d]; no gate where absent. */
  logGate?: Tensor | undefined;
  /** [B, G, D, e] */
  S: Tensor;
  /** [B, G, D] */
  Z: Tensor;

  /** [B, G, D, e]: e^{logGate} S + φ(k) vᵀ. May be S itself. */
  SNext: Tensor;
  ZNext: Tensor;
  /** [B, H, e]: φ(q)ᵀSNext / φ(q)·ZNext. */
  y: Tensor;
}

/** What `stepStateBackward` reads, is told and writes; its entry has the formula. */
export interface StepStateBackwardArgs {
  power: number;
  normalizer: Normalizer;
  q: Tensor;
  k: Tensor;
  v: Tensor;
  logGate?: Tensor | undefined;
  S: Tensor;
  Z: Tensor;
  SNext: Tensor;
  ZNext: Tensor;
  y: Tensor;
  dy: Tensor;
  /** The gradient that comes from later steps; 0 where absent. */
  dSNext?: Tensor | undefined;
  dZNext?: Tensor | undefined;

  dq: Tensor;
  dk: Tensor;
  dv: Tensor;
  dlogGate?: Tensor | undefined;
  dS: Tensor;
  dZ: Tensor;
}

/** One token of the recurrent form: SNext = γS + φ(k)vᵀ, and its answer. */
export const stepState: Entry<StepStateArgs> = {
  reads: { q: 'B H d', k: 'B G d', v: 'B G e', 'logGate?': 'B G [d]', S: 'B G D e', Z: 'B G D' },
  writes: { SNext: 'B G D e', ZNext: 'B G D', y: 'B H e' },
  wide: ['logGate'],
  options: { power: atLeast1, normalizer },
  roundings: { SNext: 64, ZNext: 64, y: 8192 },
};

/** The gradients of stepState. */
export const stepStateBackward: Entry<StepStateBackwardArgs> = {
  reads: {
    ...stepState.reads,
    ...stepState.writes,
    dy: 'B H e',
    'dSNext?': 'B G D e',
    'dZNext?': 'B G D',
  },
  writes: { dq: 'B H d', dk: 'B G d', dv: 'B G e', 'dlogGate?': 'B G [d]', dS: 'B G D e', dZ: 'B G D' },
  wide: ['logGate', 'dlogGate'],
  options: { power: atLeast1, normalizer },
  roundings: 4096,
};

/** What they mean; the `js` backend runs it. */
export const stepStateJs = {
  stepState: forward,
  stepStateBackward: backward,
};

const decays = /* @__PURE__ */ scratch();
const vectors = /* @__PURE__ */ scratch();
const keyFeatures = /* @__PURE__ */ scratch();
const queryFeatures = /* @__PURE__ */ scratch();
const answers = /* @__PURE__ */ scratch();

function sizes({ q, v, Z, logGate, power }: Pick<StepStateArgs, 'q' | 'v' | 'Z' | 'logGate' | 'power'>) {
  const [B, H, d] = q.shape as [number, number, number];
  const [, G, D] = Z.shape as [number, number, number];
  const vector = logGate?.shape.length === 3;
  return { B, H, G, d, D, e: v.shape[2] as number, vector, indices: vector ? multiIndices(d, power) : undefined };
}

/** γ for each row of the state of head `index`. */
function rowDecays(
  logGate: ArrayLike<number> | undefined,
  index: number,
  { d, D, indices }: ReturnType<typeof sizes>,
  power: number,
): Float64Array {
  const factor = decays(D).subarray(0, D);
  if (!logGate) return factor.fill(1);
  const gate = (at: number) => (logGate[at]! < resetBelow ? 0 : Math.exp(logGate[at]!));
  if (!indices) return factor.fill(gate(index));
  for (let row = 0; row < D; row++) {
    let product = 1;
    for (let r = 0; r < power; r++) product *= gate(index * d + indices[row * power + r]!);
    factor[row] = product;
  }
  return factor;
}

/** φ(x·scale) of the d numbers at `at`. */
function embedAt(
  out: Float64Array,
  x: ArrayLike<number>,
  at: number,
  d: number,
  scale: number,
  power: number,
): Float64Array {
  const vector = vectors(d).subarray(0, d);
  for (let i = 0; i < d; i++) vector[i] = x[at + i]! * scale;
  embedBatch(vector, 1, { power, out });
  return out;
}

function forward(args: StepStateArgs): void {
  const { power, normalizer, logGate } = args;
  const size = sizes(args);
  const { B, H, G, d, D, e } = size;
  const [q, k, v, S, Z] = [floats(args.q), floats(args.k), floats(args.v), floats(args.S), floats(args.Z)];
  const [SNext, ZNext, y] = [floats(args.SNext), floats(args.ZNext), floats(args.y)];
  for (let index = 0; index < B * G; index++) {
    const phi = embedAt(keyFeatures(D).subarray(0, D), k, index * d, d, 1, power);
    const factor = rowDecays(logGate && floats(logGate), index, size, power);
    for (let i = 0; i < D; i++) {
      const at = index * D + i;
      ZNext[at] = decayed(factor[i]!, Z[at]!) + phi[i]!;
      for (let j = 0; j < e; j++) SNext[at * e + j] = decayed(factor[i]!, S[at * e + j]!) + phi[i]! * v[index * e + j]!;
    }
  }
  for (let row = 0; row < B * H; row++) {
    const index = Math.floor((row * G) / H);
    const phi = embedAt(queryFeatures(D).subarray(0, D), q, row * d, d, 1 / Math.sqrt(d), power);
    const answer = answers(e);
    product(1, e, D, rowMajor(phi, D), rowMajor(SNext, e, index * D * e), rowMajor(answer, e));
    const sum = dotRow(phi, 0, ZNext, index * D, D);
    const scale = normalizer === 'none' ? 1 : sum === 0 ? 0 : 1 / sum;
    for (let i = 0; i < e; i++) y[row * e + i] = scale * answer[i]!;
  }
}

const dS = /* @__PURE__ */ zeroScratch();
const dZ = /* @__PURE__ */ zeroScratch();
const dFeatures = /* @__PURE__ */ scratch();
const dVector = /* @__PURE__ */ scratch();
const dValues = /* @__PURE__ */ scratch();

function backward(args: StepStateBackwardArgs): void {
  const { power, normalizer, logGate, dSNext, dZNext, dlogGate } = args;
  const size = sizes(args);
  const { B, H, G, d, D, e, indices } = size;
  const [q, k, v, S, Z] = [floats(args.q), floats(args.k), floats(args.v), floats(args.S), floats(args.Z)];
  const [SNext, ZNext, y, dy] = [floats(args.SNext), floats(args.ZNext), floats(args.y), floats(args.dy)];
  const [dq, dk, dv] = [floats(args.dq), floats(args.dk), floats(args.dv)];
  const gradS = dS(B * G * D * e);
  const gradZ = dZ(B * G * D);
  if (dSNext) gradS.set(floats(dSNext));
  if (dZNext) gradZ.set(floats(dZNext));
  const dPhi = dFeatures(D).subarray(0, D);
  const dX = dVector(d).subarray(0, d);
  for (let row = 0; row < B * H; row++) {
    const index = Math.floor((row * G) / H);
    const phi = embedAt(queryFeatures(D).subarray(0, D), q, row * d, d, 1 / Math.sqrt(d), power);
    const sum = dotRow(phi, 0, ZNext, index * D, D);
    const scale = normalizer === 'none' ? 1 : sum === 0 ? 0 : 1 / sum;
    let along = 0;
    for (let i = 0; i < e; i++) along += dy[row * e + i]! * y[row * e + i]!;
    const dSum = normalizer === 'none' ? 0 : -along * scale;
    for (let i = 0; i < D; i++) {
      const at = index * D + i;
      let gradient = dSum * ZNext[at]!;
      for (let j = 0; j < e; j++) {
        const dAnswer = scale * dy[row * e + j]!;
        gradient += dAnswer * SNext[at * e + j]!;
        gradS[at * e + j] = gradS[at * e + j]! + phi[i]! * dAnswer;
      }
      gradZ[at] = gradZ[at]! + phi[i]! * dSum;
      dPhi[i] = gradient;
    }
    embedBatchBackward(vectors(0).subarray(0, d), dPhi, 1, { power, out: dX });
    for (let i = 0; i < d; i++) dq[row * d + i] = dX[i]! / Math.sqrt(d);
  }
  for (let index = 0; index < B * G; index++) {
    const phi = embedAt(keyFeatures(D).subarray(0, D), k, index * d, d, 1, power);
    const factor = rowDecays(logGate && floats(logGate), index, size, power);
    const values = dValues(e).fill(0, 0, e);
    const dGate = new Float64Array(indices ? d : 1);
    for (let i = 0; i < D; i++) {
      const at = index * D + i;
      let gradient = gradZ[at]!;
      let along = gradZ[at]! * Z[at]!;
      for (let j = 0; j < e; j++) {
        const g = gradS[at * e + j]!;
        gradient += g * v[index * e + j]!;
        along += g * S[at * e + j]!;
        values[j] = values[j]! + g * phi[i]!;
        gradS[at * e + j] = decayed(factor[i]!, g);
      }
      gradZ[at] = decayed(factor[i]!, gradZ[at]!);
      dPhi[i] = gradient;
      const alongGate = decayed(factor[i]!, along);
      for (let r = 0; r < (indices ? power : 1); r++) {
        const dimension = indices ? indices[i * power + r]! : 0;
        dGate[dimension] = dGate[dimension]! + alongGate;
      }
    }
    embedBatchBackward(vectors(0).subarray(0, d), dPhi, 1, { power, out: dX });
    for (let i = 0; i < d; i++) dk[index * d + i] = dX[i]!;
    for (let i = 0; i < e; i++) dv[index * e + i] = values[i]!;
    if (dlogGate) floats(dlogGate).set(dGate, index * dGate.length);
  }
  store(gradS, args.dS);
  store(gradZ, args.dZ);
}
