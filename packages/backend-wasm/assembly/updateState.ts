// What each chunk adds to the state: ΔS = φ(K̂)ᵀV and ΔZ = φ(K̂)ᵀ1, with K̂ decayed to the chunk's end. A task is one chunk of
// one key/value head.

import { rewind, take } from './arena';
import { addGradient, firstSeen, keyFactors, scaleRows, selectHead, setGates, storeGradient, width } from './decay';
import { prefixes, setRuns } from './embedding';
import {
  TOKENS, clearGradients, countFeatures, embed, embedBackward, finishGradients, panels, phi, prefixEnd, setAnswers, setFeatures,
  setTokens, sumFeatures,
} from './features';
import { multiplyPanels, packColumns } from './panels';
import { Across, Along } from './tile';

/** Ones for the tokens of a block. */
function ones(): usize {
  const at = take(TOKENS);
  for (let i = 0; i < TOKENS; i++) store<f32>(at + (<usize>i << 2), 1);
  return at;
}

export function updateState(
  begin: i32, end: i32, B: i32, T: i32, G: i32, d: i32, e: i32, p: i32, chunk: i32, D: i32, runs: usize,
  A: usize, starts: usize, gateWidth: i32, k: usize, v: usize, deltaS: usize, deltaZ: usize,
): void {
  rewind();
  setGates(A, starts, gateWidth, B, T, G, p);
  setRuns(runs, p, d);
  setFeatures(e, false);
  const chunks = (T + chunk - 1) / chunk;
  const factor = take(TOKENS * width);
  const hat = take(TOKENS * d + 4);
  const weights = ones();
  for (let task = begin; task < end; task++) {
    const g = task % G;
    const c = (task / G) % chunks;
    const b = task / (chunks * G);
    const last = min(T, (c + 1) * chunk);
    const S = deltaS + ((<usize>task * D * e) << 2);
    const Z = deltaZ + ((<usize>task * D) << 2);
    selectHead(b, g);
    memory.fill(Z, 0, <usize>D << 2);
    const seen = firstSeen(last - 1, c * chunk);
    for (let t = seen; t < last; t += TOKENS) {
      const rows = min(TOKENS, last - t);
      const token = (b * T + t) * G + g;
      if (width) keyFactors(factor, t, t + rows, last - 1);
      scaleRows(hat, k + (<usize>(token * d) << 2), G * d, rows, d, factor, 1);
      setTokens(hat, rows);
      packColumns(e, rows, v + (<usize>(token * e) << 2), G * e, 1, panels);
      for (let from = 0, feature: usize = 0; from < prefixes; ) {
        const to = prefixEnd(from);
        const count = countFeatures(from, to);
        embed(from, to);
        multiplyPanels<Along>(count, e, rows, phi, panels, S + ((feature * e) << 2), e, t == seen);
        sumFeatures(count, weights, Z + (feature << 2));
        feature += count;
        from = to;
      }
    }
  }
}

export function updateStateBackward(
  begin: i32, end: i32, B: i32, T: i32, G: i32, d: i32, e: i32, p: i32, chunk: i32, D: i32, runs: usize,
  A: usize, starts: usize, gateWidth: i32, k: usize, v: usize, dDeltaS: usize, dDeltaZ: usize, dk: usize, dv: usize, dA: usize,
): void {
  rewind();
  setGates(A, starts, gateWidth, B, T, G, p);
  setRuns(runs, p, d);
  setFeatures(e, true);
  const chunks = (T + chunk - 1) / chunk;
  const factor = take(TOKENS * width);
  const hat = take(TOKENS * d + 4);
  const dHat = take(TOKENS * d + 4);
  const dSum = take(min(chunk, T) * width);
  const weights = ones();
  for (let task = begin; task < end; task++) {
    const g = task % G;
    const c = (task / G) % chunks;
    const b = task / (chunks * G);
    const first = c * chunk;
    const last = min(T, first + chunk);
    const S = dDeltaS + ((<usize>task * D * e) << 2);
    const Z = dDeltaZ + ((<usize>task * D) << 2);
    selectHead(b, g);
    memory.fill(dSum, 0, <usize>((last - first) * width) << 2);
    const seen = firstSeen(last - 1, first);
    for (let t = first; t < seen; t++) {
      const token = <usize>((b * T + t) * G + g);
      memory.fill(dk + ((token * d) << 2), 0, <usize>d << 2);
      memory.fill(dv + ((token * e) << 2), 0, <usize>e << 2);
    }
    for (let t = seen; t < last; t += TOKENS) {
      const rows = min(TOKENS, last - t);
      const token = (b * T + t) * G + g;
      const values = <usize>(token * e) << 2;
      if (width) keyFactors(factor, t, t + rows, last - 1);
      scaleRows(hat, k + (<usize>(token * d) << 2), G * d, rows, d, factor, 1);
      setTokens(hat, rows);
      setAnswers(v + values, G * e, rows, e);
      clearGradients();
      for (let from = 0, feature: usize = 0; from < prefixes; ) {
        const to = prefixEnd(from);
        const count = countFeatures(from, to);
        const part = S + ((feature * e) << 2);
        embed(from, to);
        packColumns(e, count, part, e, 1, panels);
        multiplyPanels<Across>(rows, e, count, phi, panels, dv + values, G * e, from == 0);
        embedBackward(from, to, rows, e, part, Z + (feature << 2), weights);
        feature += count;
        from = to;
      }
      finishGradients(rows, dHat);
      scaleRows(dHat, dHat, d, rows, d, factor, 1);
      for (let r = 0; r < rows; r++) {
        const at = <usize>((token + r * G) * d) << 2;
        const line = dHat + (<usize>(r * d) << 2);
        memory.copy(dk + at, line, <usize>d << 2);
        if (!width) continue;
        // k_j decays by A_last − A_j: what it says about one end it says about the other with the sign turned.
        addGradient(dSum, t + r - first, d, k + at, line, -1);
        addGradient(dSum, last - 1 - first, d, k + at, line, 1);
      }
    }
    if (dA) storeGradient(dSum, first, last, dA);
  }
}
