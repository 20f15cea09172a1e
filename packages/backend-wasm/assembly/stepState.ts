// One token of the recurrent form, S ← γS + φ(k)vᵀ and Y = φ(q)ᵀS / φ(q)·Z, in doubles between its tensors. A task is one
// key/value head.

import { rewind, take } from './arena';
import { exp } from './doubles';
import { embedPrecisely, embedPreciselyBackward, setPreciseRuns } from './preciseEmbedding';

const RESET_BELOW: f32 = -87;

/** The gates of head `index`, of which there are `width`; a single 1 where there are none. */
function setGates(gates: usize, width: i32, logGate: usize, index: i32): void {
  for (let i = 0; i < width; i++) {
    const log: f32 = logGate ? load<f32>(logGate + (<usize>(index * width + i) << 2)) : 0;
    setDouble(gates, i, log < RESET_BELOW ? 0 : exp(<f64>log));
  }
}

/** γ of row `row` of the state. */
function rowDecay(row: i32, p: i32, gates: usize, indices: usize): f64 {
  if (!indices) return double(gates, 0);
  let value: f64 = 1;
  for (let r = 0; r < p; r++) value *= double(gates, load<i32>(indices + (<usize>(row * p + r) << 2)));
  return value;
}

@inline
function double(x: usize, i: i32): f64 {
  return load<f64>(x + (<usize>i << 3));
}

@inline
function float(x: usize, i: i32): f64 {
  return <f64>load<f32>(x + (<usize>i << 2));
}

@inline
function setDouble(x: usize, i: i32, value: f64): void {
  store<f64>(x + (<usize>i << 3), value);
}

@inline
function setFloat(x: usize, i: i32, value: f64): void {
  store<f32>(x + (<usize>i << 2), <f32>value);
}

/** A factor of 0 forgets even what is not finite. */
@inline
function decayed(factor: f64, value: f64): f64 {
  return factor == 0 ? 0 : factor * value;
}

/** Σ φ·Z, or 1 without a normalizer. */
function divisor(D: i32, phi: usize, Z: usize, normalized: bool): f64 {
  if (!normalized) return 1;
  let sum: f64 = 0;
  for (let i = 0; i < D; i++) sum += double(phi, i) * float(Z, i);
  return sum;
}

export function stepState(
  begin: i32, end: i32, H: i32, G: i32, d: i32, e: i32, p: i32, D: i32, runs: usize, indices: usize, normalized: bool,
  q: usize, k: usize, v: usize, logGate: usize, S: usize, Z: usize, SNext: usize, ZNext: usize, y: usize,
): void {
  rewind();
  setPreciseRuns(runs, p, d);
  const phi = take(2 * D);
  const answer = take(2 * e);
  const gates = take(2 * d);
  const perGroup = H / G;
  const width = indices ? d : 1;
  const root = 1 / Math.sqrt(<f64>d);
  for (let index = begin; index < end; index++) {
    const z = (<usize>index * D) << 2;
    const s = z * e;
    const values = v + (<usize>(index * e) << 2);
    embedPrecisely(k + (<usize>(index * d) << 2), 1, phi);
    setGates(gates, width, logGate, index);
    for (let i = 0; i < D; i++) {
      const f = rowDecay(i, p, gates, indices);
      const feature = double(phi, i);
      setFloat(ZNext + z, i, decayed(f, float(Z + z, i)) + feature);
      const line = s + ((<usize>i * e) << 2);
      for (let j = 0; j < e; j++) setFloat(SNext + line, j, decayed(f, float(S + line, j)) + feature * float(values, j));
    }
    for (let h = (index % G) * perGroup; h < (index % G + 1) * perGroup; h++) {
      const row = (index / G) * H + h;
      embedPrecisely(q + (<usize>(row * d) << 2), root, phi);
      memory.fill(answer, 0, <usize>e << 3);
      for (let i = 0; i < D; i++) {
        const feature = double(phi, i);
        const line = SNext + s + ((<usize>i * e) << 2);
        for (let j = 0; j < e; j++) setDouble(answer, j, double(answer, j) + feature * float(line, j));
      }
      const sum = divisor(D, phi, ZNext + z, normalized);
      for (let j = 0; j < e; j++) setFloat(y + (<usize>(row * e) << 2), j, sum == 0 ? 0 : double(answer, j) / sum);
    }
  }
}

export function stepStateBackward(
  begin: i32, end: i32, H: i32, G: i32, d: i32, e: i32, p: i32, D: i32, runs: usize, indices: usize, normalized: bool,
  q: usize, k: usize, v: usize, logGate: usize, S: usize, Z: usize, SNext: usize, ZNext: usize, y: usize, dy: usize,
  dSNext: usize, dZNext: usize, dq: usize, dk: usize, dv: usize, dlogGate: usize, dS: usize, dZ: usize,
): void {
  rewind();
  setPreciseRuns(runs, p, d);
  const phi = take(2 * D);
  const dPhi = take(2 * D);
  const gates = take(2 * d);
  const dGate = take(2 * d);
  const dValues = take(2 * e);
  const gradS = take(2 * D * e);
  const gradZ = take(2 * D);
  const perGroup = H / G;
  const width = indices ? d : 1;
  const root = 1 / Math.sqrt(<f64>d);
  for (let index = begin; index < end; index++) {
    const z = (<usize>index * D) << 2;
    const s = z * e;
    for (let i = 0; i < D; i++) setDouble(gradZ, i, dZNext ? float(dZNext + z, i) : 0);
    for (let i = 0; i < D * e; i++) setDouble(gradS, i, dSNext ? float(dSNext + s, i) : 0);
    for (let h = (index % G) * perGroup; h < (index % G + 1) * perGroup; h++) {
      const row = (index / G) * H + h;
      const answer = (<usize>row * e) << 2;
      embedPrecisely(q + (<usize>(row * d) << 2), root, phi);
      const sum = divisor(D, phi, ZNext + z, normalized);
      const scale: f64 = sum == 0 ? 0 : 1 / sum;
      let along: f64 = 0;
      for (let j = 0; j < e; j++) along += float(dy + answer, j) * float(y + answer, j);
      const dSum = normalized ? -along * scale : 0;
      for (let i = 0; i < D; i++) {
        const feature = double(phi, i);
        const line = SNext + s + ((<usize>i * e) << 2);
        let gradient = dSum * float(ZNext + z, i);
        for (let j = 0; j < e; j++) {
          const dAnswer = scale * float(dy + answer, j);
          gradient += dAnswer * float(line, j);
          setDouble(gradS, i * e + j, double(gradS, i * e + j) + feature * dAnswer);
        }
        setDouble(gradZ, i, double(gradZ, i) + feature * dSum);
        setDouble(dPhi, i, gradient);
      }
      embedPreciselyBackward(dPhi, dq + (<usize>(row * d) << 2), root);
    }
    const values = v + (<usize>(index * e) << 2);
    embedPrecisely(k + (<usize>(index * d) << 2), 1, phi);
    memory.fill(dValues, 0, <usize>e << 3);
    memory.fill(dGate, 0, <usize>d << 3);
    setGates(gates, width, logGate, index);
    for (let i = 0; i < D; i++) {
      const f = rowDecay(i, p, gates, indices);
      const line = s + ((<usize>i * e) << 2);
      const ofZ = double(gradZ, i);
      let gradient = ofZ;
      let along = ofZ * float(Z + z, i);
      for (let j = 0; j < e; j++) {
        const g = double(gradS, i * e + j);
        gradient += g * float(values, j);
        along += g * float(S + line, j);
        setDouble(dValues, j, double(dValues, j) + g * double(phi, i));
        setFloat(dS + line, j, decayed(f, g));
      }
      setFloat(dZ + z, i, decayed(f, ofZ));
      setDouble(dPhi, i, gradient);
      const copies = indices ? p : 1;
      for (let r = 0; r < copies; r++) {
        const to = indices ? load<i32>(indices + (<usize>(i * p + r) << 2)) : 0;
        setDouble(dGate, to, double(dGate, to) + decayed(f, along));
      }
    }
    embedPreciselyBackward(dPhi, dk + (<usize>(index * d) << 2), 1);
    for (let j = 0; j < e; j++) setFloat(dv + (<usize>(index * e) << 2), j, double(dValues, j));
    if (dlogGate) for (let i = 0; i < width; i++) setFloat(dlogGate + (<usize>(index * width) << 2), i, double(dGate, i));
  }
}
