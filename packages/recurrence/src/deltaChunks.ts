/**
 * The delta rule in chunks of C tokens, by the WY form, from kernels that every backend has. With S_n the state before a chunk, what
 * its tokens write is (I + L) U = diag(b)(V − diag(e^A) K S_n), where L_ij = b_i e^{A_i − A_j} k_i·k_j for j < i. So U = Ũ − W S_n with two
 * solutions that no chunk waits for, and S_{n+1} = e^{A_last} S_n + K̂ᵀŨ − K̂ᵀW S_n is all that goes from chunk to chunk.
 *
 * Every exponent is a difference of sums of log gates, at most 0. The inverse of I + L is made from those of its blocks on the
 * diagonal, doubled until they are the whole: as accurate as solving row by row.
 */

import { add, multiply, reshape, sliceRows, type Tape, type Variable } from '@sympow/autograd';
import type { DeltaInputs, DeltaResult } from './deltaForms';
import { stackTokens } from './forms';
import { discountedSum, powerAttention, queryState, updateState, type StatePair } from './power';
import { scaleRows } from './rowScale';
import { gateSum, type GateVariables } from './sums';

export function chunkedDelta(tape: Tape, inputs: DeltaInputs, chunk: number): DeltaResult {
  const [B, T, G, d] = inputs.k.value.shape as [number, number, number, number];
  const [H, e] = [inputs.q.value.shape[2]!, inputs.v.value.shape[3]!];
  const C = Math.min(chunk, T);
  const n = Math.ceil(T / C);
  // From here on each chunk is a sequence of its own. Tokens of zeros fill the last one and change nothing.
  const cut = (x: Variable) => reshape(tape, padded(tape, x, n * C), [B * n, C, ...x.value.shape.slice(2)]);
  const [q, k, v, b] = [cut(inputs.q), cut(inputs.k), cut(inputs.v), cut(inputs.b)];
  const gates = gateSum(tape, inputs.logGate && cut(inputs.logGate), C);
  const options = { power: 1, chunk: C };
  const asked = add(tape, k, k, Math.sqrt(d) - 1); // queries are divided by √d

  const inverses = inverted(tape, scaleRows(tape, lowerScores(tape, asked, k, gates), b));
  const solved = (right: Variable) =>
    ofHeads(tape, scaleRows(tape, right, b), (x, g) => product(tape, inverses[g]!, x));
  const ofValues = solved(v); // Ũ
  const ofState = solved(gates ? decayed(tape, asked, gates) : k); // W
  const added = updateState(tape, k, ofValues, gates, options).S; // [B·n, 1, G, d, e]
  const replaced = updateState(tape, k, ofState, gates, options).S; // [B·n, 1, G, d, d]

  const left = gates && reshape(tape, chunkDecay(tape, gates), [B, n, G]);
  const states: Variable[] = [];
  let S = inputs.initial ?? zeros(tape, [B, G, d, e]);
  for (let i = 0; i < n; i++) {
    states.push(S);
    const ofChunk = (x: Variable, ...shape: number[]) =>
      reshape(tape, sliceRows(tape, reshape(tape, x, [B, n, ...shape]), i, 1), [B, ...shape]);
    const rest = product(tape, ofChunk(replaced, G, d, d), S);
    const kept = left ? scaleRows(tape, S, ofChunk(left, G)) : S;
    S = add(tape, add(tape, kept, ofChunk(added, G, d, e)), rest, -1);
  }
  const before = { S: reshape(tape, stackTokens(tape, states), [B * n, 1, G, d, e]), Z: zeros(tape, [B * n, 1, G, d]) };
  const answer = { ...options, normalizer: 'none' } as const;
  const stateOf = (g: number) =>
    reshape(tape, sliceRows(tape, reshape(tape, before.S, [B * n, G, d, e]), g, 1), [B * n, d, e]);
  const known = ofHeads(tape, ofState, (x, g) => product(tape, x, stateOf(g)));
  const U = add(tape, ofValues, known, -1);
  const y = queryState(tape, q, gates, before, powerAttention(tape, q, k, U, gates, options), answer);
  return { y: sliceRows(tape, reshape(tape, y, [B, n * C, H, e]), 0, T), last: S };
}

/** Rows of zeros behind those of x [B, T, …]. */
function padded(tape: Tape, x: Variable, length: number): Variable {
  const [B, T, ...rest] = x.value.shape as [number, number, ...number[]];
  if (length === T) return x;
  const y = tape.result([B, length, ...rest], [x], (out) => {
    tape.kernels.fill({ value: 0, y: out });
    tape.kernels.copyBlock({ x: x.value, count: T, y: out });
  });
  tape.record([y], () => {
    const dx = tape.empty(x.value.shape);
    tape.kernels.copyBlock({ x: tape.gradientOrZero(y), count: T, y: dx });
    tape.give(x, dx);
  });
  return y;
}

function zeros(tape: Tape, shape: readonly number[]): Variable {
  return tape.result(shape, [], (y) => tape.kernels.fill({ value: 0, y }));
}

/** Numbers that repeat behind one another in a constant of `shape`. */
function repeated(tape: Tape, values: Float64Array, shape: readonly number[]): Variable {
  const { backend, kernels } = tape;
  return tape.result(shape, [], (y) =>
    backend.scope(() => {
      const x = backend.upload(values, [values.length], backend.capabilities.float);
      kernels.broadcastRows({ x, y: backend.view(y, [y.size / values.length, values.length]) });
    }),
  );
}

/** A chunk's answer in which nothing was found. */
function nothing(tape: Tape, like: Variable) {
  const { shape } = like.value;
  const [den, rowMax] = [zeros(tape, shape.slice(0, -1)), zeros(tape, shape.slice(0, -1))];
  return { num: zeros(tape, shape), den, rowMax };
}

/** e^{A_i − A_j} k_i·k_j for j < i and 0 elsewhere: [B, C, G, C]. */
function lowerScores(tape: Tape, asked: Variable, k: Variable, gates: GateVariables | undefined): Variable {
  const [B, C, G] = k.value.shape as [number, number, number];
  const matrix = (of: (i: number, j: number) => boolean) =>
    repeated(
      tape,
      Float64Array.from({ length: C * G * C }, (_, at) => Number(of(Math.floor(at / (G * C)), at % C))),
      [B, C, G, C],
    );
  // The values that answers are made of are the columns of the identity, so answers are the scores themselves.
  const each = powerAttention(tape, asked, k, matrix((i, j) => i === j), gates, { power: 1, chunk: C }); // prettier-ignore
  return multiply(tape, scaleRows(tape, each.num, each.rowMax), matrix((i, j) => j < i)); // prettier-ignore
}

/** e^{A_i} x_i for x that is √d times as long, by asking a state that is the identity. */
function decayed(tape: Tape, x: Variable, gates: GateVariables): Variable {
  const [B, C, G, d] = x.value.shape as [number, number, number, number];
  const identity = Float64Array.from({ length: d * d }, (_, at) => Number(at % (d + 1) === 0));
  const state = { S: repeated(tape, identity, [B, 1, G, d, d]), Z: zeros(tape, [B, 1, G, d]) };
  return queryState(tape, x, gates, state, nothing(tape, x), { power: 1, chunk: C, normalizer: 'none' });
}

/** e^{A_last} of every chunk: [B, G]. */
function chunkDecay(tape: Tape, gates: GateVariables): Variable {
  const [B, C, G] = gates.A.value.shape as [number, number, number];
  const delta = { S: zeros(tape, [B, 1, G, 1, 1]), Z: zeros(tape, [B, 1, G, 1]) };
  const ones = (shape: number[]) => tape.result(shape, [], (y) => tape.kernels.fill({ value: 1, y }));
  const one: StatePair = { S: ones([B, G, 1, 1]), Z: ones([B, G, 1]) };
  return discountedSum(tape, delta, gates, one, C, { power: 1, chunk: C }).last.S;
}

/** Of every head the inverses of I + L, L [B, C, G, C] strictly lower triangular: G times [B, C, C]. */
function inverted(tape: Tape, L: Variable): Variable[] {
  const [B, C, G] = L.value.shape as [number, number, number];
  const constant = (of: (i: number, j: number) => boolean) =>
    repeated(
      tape,
      Float64Array.from({ length: C * C }, (_, at) => Number(of(Math.floor(at / C), at % C))),
      [B, C, C],
    );
  const identity = constant((i, j) => i === j);
  /** What joins blocks of this size to blocks twice as large. */
  const joints: Variable[] = [];
  for (let size = 1; size < C; size *= 2) {
    joints.push(
      constant((i, j) => Math.floor(i / size) % 2 === 1 && Math.floor(i / size) - 1 === Math.floor(j / size)),
    );
  }
  return Array.from({ length: G }, (_, g) => {
    const own = ofHead(tape, L, g);
    // [[X, 0], [J, Y]] has the inverse [[X', 0], [−Y' J X', Y']].
    return joints.reduce((inverse, joint, level) => {
      const J = multiply(tape, own, joint);
      return add(tape, inverse, level === 0 ? J : product(tape, product(tape, inverse, J), inverse), -1);
    }, identity);
  });
}

/** What `map` makes of each head's [B, C, width], joined again to [B, C, G, …]. */
function ofHeads(tape: Tape, x: Variable, map: (x: Variable, g: number) => Variable): Variable {
  const [B, C, G] = x.value.shape as [number, number, number];
  const heads = Array.from({ length: G }, (_, g) => {
    const y = map(ofHead(tape, x, g), g);
    return reshape(tape, y, [B * C, y.value.shape[2]!]);
  });
  const joined = stackTokens(tape, heads);
  return reshape(tape, joined, [B, C, G, joined.value.shape[2]!]);
}

/** [B, C, G, width] → [B, C, width] */
function ofHead(tape: Tape, x: Variable, g: number): Variable {
  const [B, C, G, width] = x.value.shape as [number, number, number, number];
  return reshape(tape, sliceRows(tape, reshape(tape, x, [B * C, G, width]), g, 1), [B, C, width]);
}

/** a·b of matrices: [batch…, m, k] and [batch…, k, n]. */
function product(tape: Tape, a: Variable, b: Variable): Variable {
  const { kernels } = tape;
  const shape = [...a.value.shape.slice(0, -1), b.value.shape.at(-1)!];
  const y = tape.result(shape, [a, b], (out) => kernels.matmul({ a: a.value, b: b.value, y: out }));
  tape.record([y], () => {
    const dy = tape.gradientOrZero(y);
    if (a.requiresGradient) {
      const da = tape.empty(a.value.shape);
      kernels.matmul({ a: dy, b: b.value, transposeB: true, y: da });
      tape.give(a, da);
    }
    if (!b.requiresGradient) return;
    const db = tape.empty(b.value.shape);
    kernels.matmul({ a: a.value, b: dy, transposeA: true, y: db });
    tape.give(b, db);
  });
  return y;
}
