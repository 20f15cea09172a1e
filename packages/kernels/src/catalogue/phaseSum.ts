/** Rotary phases in turns, summed over time; specification §5. */

import { everyColumn } from '../js/columns';
import { floats, store } from '../js/tensor';
import type { Tensor } from '../tensor';
import type { Entry } from './entry';
import { refuse } from './refuse';

/** What `phaseSum` reads, is told and writes; its entry has the formula. */
export interface PhaseSumArgs {
  /** [B, T, G] or [B, T, G, d/2]; absent means 1. */
  beta?: Tensor | undefined;
  /** [G, d/2] in radians per token. */
  theta: Tensor;
  /** What rounding took from theta: a float32 θ alone is a degree off after some ten thousand tokens. */
  thetaTail?: Tensor | undefined;
  /** [B, G, d/2] in turns; absent means 0. */
  phase?: Tensor | undefined;
  /**
   * [2, B, G, d/2], in place of `phase`. A stream, which would round the phase at every call, hands on two planes whose sum is
   * the phase: `last` is written with the phase after the last token and read as `resume` by the next call.
   */
  resume?: Tensor | undefined;

  /** [B, T, G, d/2] */
  turns: Tensor;
  /** [2, B, G, d/2]. May be `resume` itself. */
  last?: Tensor | undefined;
}

/** θ's tail is too small to matter to a gradient. */
export interface PhaseSumBackwardArgs {
  beta?: Tensor | undefined;
  theta: Tensor;
  dturns: Tensor;

  dbeta?: Tensor | undefined;
  dtheta?: Tensor | undefined;
  dphase?: Tensor | undefined;
}

/** turns_i = phase + Σ_{m≤i} β_m·θ/2π, modulo 1 into [−½, ½). */
export const phaseSum: Entry<PhaseSumArgs> = {
  reads: {
    'beta?': 'B T G [half]',
    theta: 'G half',
    'thetaTail?': 'G half',
    'phase?': 'B G half',
    'resume?': '2 B G half',
  },
  writes: { turns: 'B T G half', 'last?': '2 B G half' },
  wide: ['beta', 'theta', 'thetaTail', 'phase', 'resume', 'turns', 'last'],
  // last is a pair of numbers like A of gateSum: streams hand it on ten thousands of times.
  roundings: { turns: 2048, last: 2 ** -8 },
  rule({ phase, resume }) {
    if (phase && resume) refuse('phaseSum: phase', phase.shape, 'none beside resume, which stands for it');
  },
};

/** The gradients of phaseSum. */
export const phaseSumBackward: Entry<PhaseSumBackwardArgs> = {
  reads: { 'beta?': 'B T G [half]', theta: 'G half', dturns: 'B T G half' },
  writes: { 'dbeta?': 'B T G [half]', 'dtheta?': 'G half', 'dphase?': 'B G half' },
  wide: ['beta', 'theta', 'dturns', 'dbeta', 'dtheta', 'dphase'],
  roundings: 256,
};

/** What they mean; the `js` backend runs it. */
export const phaseSumJs = {
  phaseSum: forward,
  phaseSumBackward: backward,
};

/** The turn nearest to 0 that points the same way, in [−½, ½). */
function wrap(turns: number): number {
  return turns - Math.floor(turns + 0.5);
}

function forward({ beta, theta, thetaTail, phase, resume, turns, last }: PhaseSumArgs): void {
  const frequencies = floats(theta);
  const tails = thetaTail && floats(thetaTail);
  const steps = beta && floats(beta);
  const initial = phase ? floats(phase) : resume && floats(resume);
  const final = last && floats(last);
  const out = floats(turns);
  const perBatch = frequencies.length;
  const tailPlane = perBatch * (turns.shape[0] as number);
  const half = turns.shape[3] as number;
  const perPair = beta?.shape.length === 4;
  everyColumn(turns, (at, step, length, b, column) => {
    const rate = (frequencies[column]! + (tails ? tails[column]! : 0)) / (2 * Math.PI);
    const place = b * perBatch + column;
    let sum = initial ? initial[place]! + (resume ? initial[tailPlane + place]! : 0) : 0;
    for (let t = 0; t < length; t++, at += step) {
      const increment = steps ? steps[perPair ? at : Math.floor(at / half)]! : 1;
      sum = wrap(sum + increment * rate);
      out[at] = sum;
    }
    if (!final) return;
    final[place] = sum;
    final[tailPlane + place] = sum - final[place];
  });
}

function backward({ beta, theta, dturns, dbeta, dtheta, dphase }: PhaseSumBackwardArgs): void {
  const frequencies = floats(theta);
  const steps = beta && floats(beta);
  const gradient = floats(dturns);
  const perBatch = frequencies.length;
  const half = dturns.shape[3] as number;
  const perPair = beta?.shape.length === 4;
  const sumBeta = new Float64Array(dbeta?.size ?? 0);
  const sumTheta = new Float64Array(perBatch);
  everyColumn(dturns, (at, step, length, b, column) => {
    const rate = frequencies[column]! / (2 * Math.PI);
    let sum = 0;
    // Σ_i dturns_i Σ_{m≤i} β_m, turned round: each β meets the gradients of its own and all later tokens.
    let alongTheta = 0;
    for (let t = length - 1, x = at + t * step; t >= 0; t--, x -= step) {
      sum += gradient[x]!;
      const token = perPair ? x : Math.floor(x / half);
      alongTheta += sum * (steps ? steps[token]! : 1);
      if (dbeta) sumBeta[token] = sumBeta[token]! + sum * rate;
    }
    sumTheta[column] = sumTheta[column]! + alongTheta / (2 * Math.PI);
    if (dphase) floats(dphase)[b * perBatch + column] = sum;
  });
  store(sumBeta, dbeta);
  store(sumTheta, dtheta);
}
