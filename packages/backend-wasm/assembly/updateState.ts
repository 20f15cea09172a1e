// What each chunk adds to the state: ΔS = φ(K̂)ᵀV and ΔZ = φ(K̂)ᵀ1, with K̂ decayed to the chunk's end. A task is one chunk of
// one key/value head.

import { rewind, take } from './arena';
import { addGradient, keyFactors, scaleRows, selectHead, setGates, storeGradient, width } from './decay';
import { embedRows, embedRowsBackward, rowsAtOnce, setRuns } from './embedding';
import { addTo, product } from './product';

export function updateState(
  begin: i32, end: i32, B: i32, T: i32, G: i32, d: i32, e: i32, p: i32, chunk: i32, D: i32, runs: usize,
  A: usize, starts: usize, gateWidth: i32, k: usize, v: usize, deltaS: usize, deltaZ: usize,
): void {
  rewind();
  setGates(A, starts, gateWidth, B, T, G, p);
  setRuns(runs, p, d);
  const most = rowsAtOnce(D);
  const chunks = (T + chunk - 1) / chunk;
  const factor = take(most * width);
  const hat = take(most * d + 4);
  const phi = take(most * D + 4);
  for (let task = begin; task < end; task++) {
    const g = task % G;
    const c = (task / G) % chunks;
    const b = task / (chunks * G);
    const last = min(T, (c + 1) * chunk);
    const S = deltaS + ((<usize>task * D * e) << 2);
    const Z = deltaZ + ((<usize>task * D) << 2);
    selectHead(b, g);
    memory.fill(Z, 0, <usize>D << 2);
    for (let t = c * chunk; t < last; t += most) {
      const rows = min(most, last - t);
      const token = (b * T + t) * G + g;
      if (width) keyFactors(factor, t, t + rows, last - 1);
      scaleRows(hat, k + (<usize>(token * d) << 2), G * d, rows, d, factor, 1);
      embedRows(hat, rows, phi);
      product(D, e, rows, phi, 1, D, v + (<usize>(token * e) << 2), G * e, 1, S, e, t > c * chunk);
      for (let r = 0; r < rows; r++) addTo(D, Z, phi + ((<usize>r * D) << 2));
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
  const most = rowsAtOnce(D);
  const chunks = (T + chunk - 1) / chunk;
  const factor = take(most * width);
  const hat = take(most * d + 4);
  const phi = take(most * D + 4);
  const dHat = take(most * d);
  const dSum = take(min(chunk, T) * width);
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
    for (let t = first; t < last; t += most) {
      const rows = min(most, last - t);
      const token = (b * T + t) * G + g;
      const values = <usize>(token * e) << 2;
      if (width) keyFactors(factor, t, t + rows, last - 1);
      scaleRows(hat, k + (<usize>(token * d) << 2), G * d, rows, d, factor, 1);
      embedRows(hat, rows, phi);
      product(rows, e, D, phi, D, 1, S, e, 1, dv + values, G * e, false);
      // φ has been used: its gradient takes its place.
      product(rows, D, e, v + values, G * e, 1, S, 1, e, phi, D, false);
      for (let r = 0; r < rows; r++) addTo(D, phi + ((<usize>r * D) << 2), Z);
      embedRowsBackward(hat, phi, rows, dHat);
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
