// The dense product under every kernel: C (+)= A·B in panels, and a path for a few rows that reads B as it lies. Strides count
// elements; columns of C touch.

import { corner, mark, release, take } from './arena';
import { widenRow, widen4 } from './halves';
import { BLOCK_K, multiplyPanels, packColumns, packRows } from './panels';
import { Packed, madd } from './tile';

/** Rows of A and columns of B that are packed at a time: A's block stays in the second cache, a panel of B in the first. */
const BLOCK_M: i32 = 120;
const BLOCK_N: i32 = 256;

/** C = A·B, or C += A·B with `accumulate`: A [m, k], B [k, n], C [m, n] with rows `strideC` apart. */
export function product(
  m: i32, n: i32, k: i32,
  a: usize, rowA: i32, columnA: i32,
  b: usize, rowB: i32, columnB: i32,
  c: usize, strideC: i32,
  accumulate: bool,
): void {
  if (m <= 0 || n <= 0) return;
  if (k <= 0) {
    if (!accumulate) for (let i = 0; i < m; i++) memory.fill(c + ((<usize>i * strideC) << 2), 0, <usize>n << 2);
    return;
  }
  if (m < 4) {
    for (let i = 0; i < m; i++) row(n, k, a + ((<usize>i * rowA) << 2), columnA, b, rowB, columnB, c + ((<usize>i * strideC) << 2), accumulate);
    return;
  }
  blocks<f32>(m, n, k, a, rowA, columnA, b, rowB, columnB, c, strideC, accumulate);
}

/** The same with a matrix B of halves. */
function productOfHalves<B>(
  m: i32, n: i32, k: i32,
  a: usize, rowA: i32, columnA: i32,
  b: usize, rowB: i32, columnB: i32,
  c: usize, strideC: i32,
  accumulate: bool,
): void {
  if (m < 4 && columnA == 1 && rowB == 1) {
    for (let i = 0; i < m; i++) {
      alongHalves<B>(n, k, a + ((<usize>i * rowA) << 2), b, <usize>columnB << 1, c + ((<usize>i * strideC) << 2), accumulate);
    }
  } else {
    blocks<B>(m, n, k, a, rowA, columnA, b, rowB, columnB, c, strideC, accumulate);
  }
}

function blocks<B>(
  m: i32, n: i32, k: i32,
  a: usize, rowA: i32, columnA: i32,
  b: usize, rowB: i32, columnB: i32,
  c: usize, strideC: i32,
  accumulate: bool,
): void {
  const start = mark();
  const panelsA = take(BLOCK_M * BLOCK_K + 16);
  const panelsB = take(BLOCK_N * BLOCK_K);
  const wide = isFloat<B>() ? 0 : take(BLOCK_N * BLOCK_K);
  for (let j = 0; j < n; j += BLOCK_N) {
    const columns = min(BLOCK_N, n - j);
    for (let p = 0; p < k; p += BLOCK_K) {
      const depth = min(BLOCK_K, k - p);
      const block = b + (<usize>p * rowB + <usize>j * columnB) * sizeof<B>();
      if (isFloat<B>()) {
        packColumns(columns, depth, block, rowB, columnB, panelsB);
      } else if (columnB == 1) {
        for (let i = 0; i < depth; i++) widenRow<B>(columns, block + ((<usize>i * rowB) << 1), wide + ((<usize>i * columns) << 2));
        packColumns(columns, depth, wide, columns, 1, panelsB);
      } else {
        for (let i = 0; i < columns; i++) widenRow<B>(depth, block + ((<usize>i * columnB) << 1), wide + ((<usize>i * depth) << 2));
        packColumns(columns, depth, wide, 1, depth, panelsB);
      }
      for (let i = 0; i < m; i += BLOCK_M) {
        const rows = min(BLOCK_M, m - i);
        packRows(rows, depth, a + ((<usize>i * rowA + <usize>p * columnA) << 2), rowA, columnA, panelsA);
        multiplyPanels<Packed>(rows, columns, depth, panelsA, panelsB, c + ((<usize>i * strideC + j) << 2), strideC, p == 0 && !accumulate);
      }
    }
  }
  release(start);
}

/** Numbers of work space that `product` takes: the host adds it for every kernel. */
export function productSpace(): i32 {
  return BLOCK_M * BLOCK_K + BLOCK_N * BLOCK_K + 64;
}

/** Numbers more where B holds halves. */
export function halvesSpace(): i32 {
  return BLOCK_N * BLOCK_K + 16;
}

/** One row of C. */
function row(n: i32, k: i32, a: usize, columnA: i32, b: usize, rowB: i32, columnB: i32, c: usize, accumulate: bool): void {
  if (columnA != 1) {
    // The row of A in one piece.
    const start = mark();
    const piece = take(k);
    for (let p = 0; p < k; p++) store<f32>(piece + (<usize>p << 2), load<f32>(a + ((<usize>p * columnA) << 2)));
    row(n, k, piece, 1, b, rowB, columnB, c, accumulate);
    release(start);
  } else if (columnB == 1) {
    alongRows(n, k, a, b, <usize>rowB << 2, c, accumulate);
  } else if (rowB == 1) {
    alongColumns(n, k, a, b, <usize>columnB << 2, c, accumulate);
  } else {
    for (let j = 0; j < n; j++) {
      let sum: f32 = accumulate ? load<f32>(c + (<usize>j << 2)) : 0;
      for (let p = 0; p < k; p++) sum += load<f32>(a + (<usize>p << 2)) * load<f32>(b + ((<usize>p * rowB + <usize>j * columnB) << 2));
      store<f32>(c + (<usize>j << 2), sum);
    }
  }
}

/** B's rows lie in one piece: 32 columns at a time stay in registers while k goes by. */
function alongRows(n: i32, k: i32, a: usize, b: usize, down: usize, c: usize, accumulate: bool): void {
  let j = 0;
  for (; j + 32 <= n; j += 32, b += 128, c += 128) {
    let s0 = f32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    let s4 = s0;
    let s5 = s0;
    let s6 = s0;
    let s7 = s0;
    if (accumulate) {
      s0 = v128.load(c);
      s1 = v128.load(c, 16);
      s2 = v128.load(c, 32);
      s3 = v128.load(c, 48);
      s4 = v128.load(c, 64);
      s5 = v128.load(c, 80);
      s6 = v128.load(c, 96);
      s7 = v128.load(c, 112);
    }
    for (let p: usize = 0, x = b; p < <usize>k << 2; p += 4, x += down) {
      const s = v128.load32_splat(a + p);
      s0 = madd(s, v128.load(x), s0);
      s1 = madd(s, v128.load(x, 16), s1);
      s2 = madd(s, v128.load(x, 32), s2);
      s3 = madd(s, v128.load(x, 48), s3);
      s4 = madd(s, v128.load(x, 64), s4);
      s5 = madd(s, v128.load(x, 80), s5);
      s6 = madd(s, v128.load(x, 96), s6);
      s7 = madd(s, v128.load(x, 112), s7);
    }
    v128.store(c, s0);
    v128.store(c, s1, 16);
    v128.store(c, s2, 32);
    v128.store(c, s3, 48);
    v128.store(c, s4, 64);
    v128.store(c, s5, 80);
    v128.store(c, s6, 96);
    v128.store(c, s7, 112);
  }
  for (; j + 4 <= n; j += 4, b += 16, c += 16) {
    let even = accumulate ? v128.load(c) : f32x4.splat(0);
    let odd = f32x4.splat(0);
    let p = 0;
    let x = b;
    for (; p + 2 <= k; p += 2, x += 2 * down) {
      even = madd(v128.load32_splat(a + (<usize>p << 2)), v128.load(x), even);
      odd = madd(v128.load32_splat(a + (<usize>p << 2), 4), v128.load(x + down), odd);
    }
    if (p < k) even = madd(v128.load32_splat(a + (<usize>p << 2)), v128.load(x), even);
    v128.store(c, f32x4.add(even, odd));
  }
  for (; j < n; j++, b += 4, c += 4) {
    let sum: f32 = accumulate ? load<f32>(c) : 0;
    for (let p: usize = 0, x = b; p < <usize>k << 2; p += 4, x += down) sum += load<f32>(a + p) * load<f32>(x);
    store<f32>(c, sum);
  }
}

/** B's columns lie in one piece: four dot products at a time. */
function alongColumns(n: i32, k: i32, a: usize, b: usize, along: usize, c: usize, accumulate: bool): void {
  let j = 0;
  for (; j + 4 <= n; j += 4, b += 4 * along, c += 16) {
    let s0 = f32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    let p: usize = 0;
    const b1 = b + along;
    const b2 = b1 + along;
    const b3 = b2 + along;
    for (const whole = (<usize>k & ~3) << 2; p < whole; p += 16) {
      const x = v128.load(a + p);
      s0 = madd(x, v128.load(b + p), s0);
      s1 = madd(x, v128.load(b1 + p), s1);
      s2 = madd(x, v128.load(b2 + p), s2);
      s3 = madd(x, v128.load(b3 + p), s3);
    }
    const t0 = f32x4.add(i32x4.shuffle(s0, s1, 0, 4, 1, 5), i32x4.shuffle(s0, s1, 2, 6, 3, 7));
    const t1 = f32x4.add(i32x4.shuffle(s2, s3, 0, 4, 1, 5), i32x4.shuffle(s2, s3, 2, 6, 3, 7));
    let sum = f32x4.add(i64x2.shuffle(t0, t1, 0, 2), i64x2.shuffle(t0, t1, 1, 3));
    for (; p < <usize>k << 2; p += 4) {
      let last = v128.load32_zero(b + p);
      last = v128.load_lane<f32>(b1 + p, last, 1);
      last = v128.load_lane<f32>(b2 + p, last, 2);
      last = v128.load_lane<f32>(b3 + p, last, 3);
      sum = madd(v128.load32_splat(a + p), last, sum);
    }
    v128.store(c, accumulate ? f32x4.add(v128.load(c), sum) : sum);
  }
  for (; j < n; j++, b += along, c += 4) store<f32>(c, (accumulate ? load<f32>(c) : 0) + dot(k, a, b));
}

/** The same with columns of halves, which are half as long to read. */
function alongHalves<B>(n: i32, k: i32, a: usize, b: usize, along: usize, c: usize, accumulate: bool): void {
  const whole = <usize>k & ~3;
  for (let j = 0; j < n; j += 4, b += 4 * along, c += 16) {
    const count = min(4, n - j);
    // What is beyond the last column is computed of it again.
    const b1 = b + <usize>min(1, count - 1) * along;
    const b2 = b + <usize>min(2, count - 1) * along;
    const b3 = b + <usize>min(3, count - 1) * along;
    let s0 = f32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    for (let p: usize = 0; p < whole; p += 4) {
      const x = v128.load(a + (p << 2));
      const at = p << 1;
      s0 = madd(x, widen4<B>(b + at), s0);
      s1 = madd(x, widen4<B>(b1 + at), s1);
      s2 = madd(x, widen4<B>(b2 + at), s2);
      s3 = madd(x, widen4<B>(b3 + at), s3);
    }
    const t0 = f32x4.add(i32x4.shuffle(s0, s1, 0, 4, 1, 5), i32x4.shuffle(s0, s1, 2, 6, 3, 7));
    const t1 = f32x4.add(i32x4.shuffle(s2, s3, 0, 4, 1, 5), i32x4.shuffle(s2, s3, 2, 6, 3, 7));
    // Behind what rows of halves are padded in.
    v128.store(corner, f32x4.add(i64x2.shuffle(t0, t1, 0, 2), i64x2.shuffle(t0, t1, 1, 3)), 64);
    const rest = k - <i32>whole;
    for (let i = 0; i < count; i++) {
      let sum = load<f32>(corner + (<usize>i << 2), 64);
      if (rest > 0) {
        widenRow<B>(rest, b + <usize>i * along + (whole << 1), corner + 32);
        for (let p: usize = 0; p < <usize>rest; p++) sum += load<f32>(a + ((whole + p) << 2)) * load<f32>(corner + 32 + (p << 2));
      }
      const to = c + (<usize>i << 2);
      store<f32>(to, accumulate ? load<f32>(to) + sum : sum);
    }
  }
}

/** Σ a_i·b_i, in 16 sums that do not wait for each other. */
export function dot(k: i32, a: usize, b: usize): f32 {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let p: usize = 0;
  for (const whole = (<usize>k & ~15) << 2; p < whole; p += 64) {
    s0 = madd(v128.load(a + p), v128.load(b + p), s0);
    s1 = madd(v128.load(a + p, 16), v128.load(b + p, 16), s1);
    s2 = madd(v128.load(a + p, 32), v128.load(b + p, 32), s2);
    s3 = madd(v128.load(a + p, 48), v128.load(b + p, 48), s3);
  }
  for (const whole = (<usize>k & ~3) << 2; p < whole; p += 16) s0 = madd(v128.load(a + p), v128.load(b + p), s0);
  const sum = f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3));
  let total = f32x4.extract_lane(sum, 0) + f32x4.extract_lane(sum, 1) + (f32x4.extract_lane(sum, 2) + f32x4.extract_lane(sum, 3));
  for (; p < <usize>k << 2; p += 4) total += load<f32>(a + p) * load<f32>(b + p);
  return total;
}

/**
 * Batched product: `from … to` are blocks of rows of one of the `batch` matrices. Strides between matrices count elements.
 */
function batched<B>(
  from: i32, to: i32,
  m: i32, n: i32, k: i32, blocks: i32,
  a: usize, rowA: i32, columnA: i32, matrixA: i32,
  b: usize, rowB: i32, columnB: i32, matrixB: i32,
  bias: usize, c: usize, accumulate: bool,
): void {
  for (let task = from; task < to; task++) {
    const z = task / blocks;
    const block = task % blocks;
    const i = (m * block) / blocks;
    const rows = (m * (block + 1)) / blocks - i;
    const out = c + ((<usize>z * m * n + <usize>i * n) << 2);
    const left = a + ((<usize>z * matrixA + <usize>i * rowA) << 2);
    const right = b + <usize>z * matrixB * sizeof<B>();
    if (isFloat<B>() || k <= 0) product(rows, n, k, left, rowA, columnA, right, rowB, columnB, out, n, accumulate);
    else productOfHalves<B>(rows, n, k, left, rowA, columnA, right, rowB, columnB, out, n, accumulate);
    if (bias) for (let r = 0; r < rows; r++) addTo(n, out + ((<usize>r * n) << 2), bias);
  }
}

export function matmul(
  from: i32, to: i32,
  m: i32, n: i32, k: i32, blocks: i32,
  a: usize, rowA: i32, columnA: i32, matrixA: i32,
  b: usize, rowB: i32, columnB: i32, matrixB: i32,
  bias: usize, c: usize, accumulate: bool,
): void {
  batched<f32>(from, to, m, n, k, blocks, a, rowA, columnA, matrixA, b, rowB, columnB, matrixB, bias, c, accumulate);
}

export function matmulFloat16(
  from: i32, to: i32,
  m: i32, n: i32, k: i32, blocks: i32,
  a: usize, rowA: i32, columnA: i32, matrixA: i32,
  b: usize, rowB: i32, columnB: i32, matrixB: i32,
  bias: usize, c: usize, accumulate: bool,
): void {
  batched<u16>(from, to, m, n, k, blocks, a, rowA, columnA, matrixA, b, rowB, columnB, matrixB, bias, c, accumulate);
}

export function matmulBfloat16(
  from: i32, to: i32,
  m: i32, n: i32, k: i32, blocks: i32,
  a: usize, rowA: i32, columnA: i32, matrixA: i32,
  b: usize, rowB: i32, columnB: i32, matrixB: i32,
  bias: usize, c: usize, accumulate: bool,
): void {
  batched<i16>(from, to, m, n, k, blocks, a, rowA, columnA, matrixA, b, rowB, columnB, matrixB, bias, c, accumulate);
}

/** y += x. */
export function addTo(n: i32, y: usize, x: usize): void {
  let i: usize = 0;
  for (const whole = (<usize>n & ~3) << 2; i < whole; i += 16) v128.store(y + i, f32x4.add(v128.load(y + i), v128.load(x + i)));
  for (; i < <usize>n << 2; i += 4) store<f32>(y + i, load<f32>(y + i) + load<f32>(x + i));
}
