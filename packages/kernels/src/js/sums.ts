/** Running sums over time: log gates with their resets, and rotary phases in turns. */

import type { Kernels, Tensor } from '../api';
import { resetBelow } from './decay';
import { floats, integers } from './tensor';

/** Runs `body` for every batch row and column of [B, T, columns…]: element t stands at `at + t·step`. */
function everyColumn(
  tensor: Tensor,
  body: (at: number, step: number, length: number, b: number, column: number) => void,
): void {
  const [B, T, ...columns] = tensor.shape as [number, number, ...number[]];
  const step = columns.reduce((product, size) => product * size, 1);
  for (let b = 0; b < B; b++)
    for (let column = 0; column < step; column++) body(b * T * step + column, step, T, b, column);
}

export const gateSum: Kernels['gateSum'] = ({ logGate, chunk, A, start }) => {
  const input = floats(logGate);
  const out = floats(A);
  const starts = integers(start);
  const tail = input.length;
  everyColumn(logGate, (at, step, length) => {
    let sum = 0;
    let latest = -1;
    for (let t = 0; t < length; t++, at += step) {
      if (t % chunk === 0) sum = 0;
      if (input[at]! < resetBelow) {
        sum = 0;
        latest = t;
      } else {
        sum += input[at]!;
      }
      out[at] = sum;
      out[tail + at] = sum - out[at]!;
      starts[at] = latest;
    }
  });
};

export const gateSumBackward: Kernels['gateSumBackward'] = ({ dA, start, chunk, dlogGate }) => {
  const gradient = floats(dA);
  const starts = integers(start);
  const out = floats(dlogGate);
  everyColumn(dlogGate, (at, step, length) => {
    let sum = 0;
    for (let t = length - 1, x = at + t * step; t >= 0; t--, x -= step) {
      sum += gradient[x]!;
      const reset = starts[x] === t;
      out[x] = reset ? 0 : sum;
      if (reset || t % chunk === 0) sum = 0;
    }
  });
};

/** The turn nearest to 0 that points the same way, in [−½, ½). */
function wrap(turns: number): number {
  return turns - Math.floor(turns + 0.5);
}

export const phaseSum: Kernels['phaseSum'] = ({ beta, theta, thetaTail, phase, resume, turns, last }) => {
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
};

export const phaseSumBackward: Kernels['phaseSumBackward'] = ({ beta, theta, dturns, dbeta, dtheta, dphase }) => {
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
  if (dbeta) floats(dbeta).set(sumBeta);
  if (dtheta) floats(dtheta).set(sumTheta);
};
