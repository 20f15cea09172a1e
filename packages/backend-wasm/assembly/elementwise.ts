// One number out for one number in. Loops go over pairs of vectors, so that neither half waits for the other; what is left is
// copied into a padded corner and goes the same way, so that a number's result does not depend on where it stands.

import { corner } from './arena';
import { exp4, log1p4, ones, sigmoid4 } from './functions';
import { madd } from './tile';

function enter(slot: usize, from: usize, count: i32): usize {
  v128.store(corner + slot, f32x4.splat(0));
  memory.copy(corner + slot, from, <usize>count << 2);
  return corner + slot;
}

function leave(slot: usize, to: usize, count: i32): void {
  memory.copy(to, corner + slot, <usize>count << 2);
}

export function fill(from: i32, to: i32, y: usize, bits: i32): void {
  const value = i32x4.splat(bits);
  let i = from;
  for (; i + 4 <= to; i += 4) v128.store(y + (<usize>i << 2), value);
  for (; i < to; i++) store<i32>(y + (<usize>i << 2), bits);
}

export function copy(to: usize, from: usize, bytes: usize): void {
  memory.copy(to, from, bytes);
}

/** `batch` runs of `bytes` each, `stepTo` and `stepFrom` bytes apart. */
export function copyRuns(batch: i32, to: usize, stepTo: usize, from: usize, stepFrom: usize, bytes: usize): void {
  for (let b = 0; b < batch; b++, to += stepTo, from += stepFrom) memory.copy(to, from, bytes);
}

export function intsToFloats(n: i32, x: usize, y: usize): void {
  for (let i: usize = 0; i < <usize>n << 2; i += 4) store<f32>(y + i, <f32>load<i32>(x + i));
}

/** Towards 0, modulo 2^32, as an Int32Array converts. */
export function floatsToInts(n: i32, x: usize, y: usize): void {
  for (let i: usize = 0; i < <usize>n << 2; i += 4) {
    const value = load<f32>(x + i);
    store<i32>(y + i, abs(value) < 9.2e18 ? <i32>(<i64>value) : 0);
  }
}

// Four times each: −30, 30, 2√(2/π), that times 0.044715, and three times the last.
const GELU: usize = memory.data<f32>([
  -30, -30, -30, -30,
  30, 30, 30, 30,
  1.5957691216057308, 1.5957691216057308, 1.5957691216057308, 1.5957691216057308,
  0.07135481282636708, 0.07135481282636708, 0.07135481282636708, 0.07135481282636708,
  0.21406443847910124, 0.21406443847910124, 0.21406443847910124, 0.21406443847910124,
], 16);

@inline
function gelu4(x: v128): v128 {
  // x(1 + tanh u)/2 = x σ(2u); beyond ±30 σ has long been 0 or 1.
  const c = f32x4.pmin(f32x4.pmax(x, v128.load(GELU)), v128.load(GELU, 16));
  const u = f32x4.mul(c, madd(f32x4.mul(c, c), v128.load(GELU, 48), v128.load(GELU, 32)));
  return f32x4.mul(x, sigmoid4(u));
}

@inline
function geluSlope4(x: v128): v128 {
  const c = f32x4.pmin(f32x4.pmax(x, v128.load(GELU)), v128.load(GELU, 16));
  const square = f32x4.mul(c, c);
  const u = f32x4.mul(c, madd(square, v128.load(GELU, 48), v128.load(GELU, 32)));
  const slope = madd(square, v128.load(GELU, 64), v128.load(GELU, 32));
  // σ(u) and σ(−u) from one exponential.
  const e = exp4(f32x4.neg(f32x4.abs(u)));
  const near = f32x4.div(ones(), f32x4.add(ones(), e));
  const far = f32x4.mul(e, near);
  const s = v128.bitselect(far, near, f32x4.lt(u, f32x4.splat(0)));
  return f32x4.add(f32x4.mul(f32x4.mul(c, slope), f32x4.mul(near, far)), s);
}

@inline
function logSigmoid4(x: v128): v128 {
  return f32x4.sub(f32x4.pmin(x, f32x4.splat(0)), log1p4(exp4(f32x4.neg(f32x4.abs(x)))));
}

@inline
function unary4(op: i32, x: v128): v128 {
  if (op == 0) return gelu4(x);
  if (op == 1) return logSigmoid4(x);
  // 1 + tanh x = 2σ(2x)
  const s = sigmoid4(f32x4.add(x, x));
  return f32x4.add(s, s);
}

@inline
function slope4(op: i32, x: v128): v128 {
  if (op == 0) return geluSlope4(x);
  if (op == 1) return sigmoid4(f32x4.neg(x));
  const twice = f32x4.add(x, x);
  return f32x4.mul(f32x4.splat(4), f32x4.mul(sigmoid4(twice), sigmoid4(f32x4.neg(twice))));
}

@inline
function unary(op: i32, from: i32, to: i32, x: usize, y: usize): void {
  let i = from;
  for (; i + 8 <= to; i += 8) {
    const at = <usize>i << 2;
    const left = unary4(op, v128.load(x + at));
    const right = unary4(op, v128.load(x + at, 16));
    v128.store(y + at, left);
    v128.store(y + at, right, 16);
  }
  for (; i + 4 <= to; i += 4) v128.store(y + (<usize>i << 2), unary4(op, v128.load(x + (<usize>i << 2))));
  if (i == to) return;
  const rest = enter(0, x + (<usize>i << 2), to - i);
  v128.store(corner, unary4(op, v128.load(rest)), 64);
  leave(64, y + (<usize>i << 2), to - i);
}

@inline
function unaryBackward(op: i32, from: i32, to: i32, x: usize, dy: usize, dx: usize): void {
  let i = from;
  for (; i + 8 <= to; i += 8) {
    const at = <usize>i << 2;
    const left = f32x4.mul(v128.load(dy + at), slope4(op, v128.load(x + at)));
    const right = f32x4.mul(v128.load(dy + at, 16), slope4(op, v128.load(x + at, 16)));
    v128.store(dx + at, left);
    v128.store(dx + at, right, 16);
  }
  for (; i + 4 <= to; i += 4) {
    const at = <usize>i << 2;
    v128.store(dx + at, f32x4.mul(v128.load(dy + at), slope4(op, v128.load(x + at))));
  }
  if (i == to) return;
  enter(0, x + (<usize>i << 2), to - i);
  enter(16, dy + (<usize>i << 2), to - i);
  v128.store(corner, f32x4.mul(v128.load(corner, 16), slope4(op, v128.load(corner))), 64);
  leave(64, dx + (<usize>i << 2), to - i);
}

export function gelu(from: i32, to: i32, x: usize, y: usize): void {
  unary(0, from, to, x, y);
}

export function geluBackward(from: i32, to: i32, x: usize, dy: usize, dx: usize): void {
  unaryBackward(0, from, to, x, dy, dx);
}

export function logSigmoid(from: i32, to: i32, x: usize, y: usize): void {
  unary(1, from, to, x, y);
}

export function logSigmoidBackward(from: i32, to: i32, x: usize, dy: usize, dx: usize): void {
  unaryBackward(1, from, to, x, dy, dx);
}

export function onePlusTanh(from: i32, to: i32, x: usize, y: usize): void {
  unary(2, from, to, x, y);
}

export function onePlusTanhBackward(from: i32, to: i32, x: usize, dy: usize, dx: usize): void {
  unaryBackward(2, from, to, x, dy, dx);
}

export function add(from: i32, to: i32, a: usize, b: usize, scale: f32, y: usize): void {
  const factor = f32x4.splat(scale);
  let i = from;
  for (; i + 4 <= to; i += 4) {
    const at = <usize>i << 2;
    v128.store(y + at, f32x4.add(v128.load(a + at), f32x4.mul(factor, v128.load(b + at))));
  }
  for (; i < to; i++) {
    const at = <usize>i << 2;
    store<f32>(y + at, load<f32>(a + at) + scale * load<f32>(b + at));
  }
}

export function multiply(from: i32, to: i32, a: usize, b: usize, y: usize): void {
  let i = from;
  for (; i + 4 <= to; i += 4) {
    const at = <usize>i << 2;
    v128.store(y + at, f32x4.mul(v128.load(a + at), v128.load(b + at)));
  }
  for (; i < to; i++) {
    const at = <usize>i << 2;
    store<f32>(y + at, load<f32>(a + at) * load<f32>(b + at));
  }
}

export function swiglu(from: i32, to: i32, gate: usize, up: usize, y: usize): void {
  let i = from;
  for (; i + 4 <= to; i += 4) {
    const at = <usize>i << 2;
    const g = v128.load(gate + at);
    v128.store(y + at, f32x4.mul(f32x4.mul(g, sigmoid4(g)), v128.load(up + at)));
  }
  if (i == to) return;
  enter(0, gate + (<usize>i << 2), to - i);
  enter(16, up + (<usize>i << 2), to - i);
  const g = v128.load(corner);
  v128.store(corner, f32x4.mul(f32x4.mul(g, sigmoid4(g)), v128.load(corner, 16)), 64);
  leave(64, y + (<usize>i << 2), to - i);
}

@inline
function swigluGradients(g: v128, u: v128, dy: v128, dgate: usize, dup: usize): void {
  const s = sigmoid4(g);
  v128.store(dup, f32x4.mul(dy, f32x4.mul(g, s)));
  // Where σ is 0 to the last digit, g may be too large to multiply with.
  const rest = f32x4.mul(f32x4.mul(g, s), sigmoid4(f32x4.neg(g)));
  v128.store(dgate, f32x4.mul(f32x4.mul(dy, u), f32x4.add(s, rest)));
}

export function swigluBackward(from: i32, to: i32, gate: usize, up: usize, dy: usize, dgate: usize, dup: usize): void {
  let i = from;
  for (; i + 4 <= to; i += 4) {
    const at = <usize>i << 2;
    swigluGradients(v128.load(gate + at), v128.load(up + at), v128.load(dy + at), dgate + at, dup + at);
  }
  if (i == to) return;
  enter(0, gate + (<usize>i << 2), to - i);
  enter(16, up + (<usize>i << 2), to - i);
  enter(32, dy + (<usize>i << 2), to - i);
  swigluGradients(v128.load(corner), v128.load(corner, 16), v128.load(corner, 32), corner + 64, corner + 80);
  leave(64, dgate + (<usize>i << 2), to - i);
  leave(80, dup + (<usize>i << 2), to - i);
}

export function resetGates(n: i32, width: i32, x: usize, reset: usize, y: usize): void {
  for (let i = 0; i < n; i++) {
    const at = <usize>i << 2;
    store<f32>(y + at, load<i32>(reset + (<usize>(i / width) << 2)) != 0 ? -Infinity : load<f32>(x + at));
  }
}
