// The innermost product: a few rows of C in registers, eight columns wide or sixteen. What V8 makes fast here was measured:
// the loop over k not unrolled, as many rows as registers allow, plain stores at the end.

/**
 * Rows of a tile: what 16 registers hold beside the operands. A multiply-add saves the register of the product. WIDE, set by
 * generate.mjs, is the variant for engines that make one instruction of two vectors side by side.
 */
export const ROWS: i32 = ASC_FEATURE_RELAXED_SIMD && !WIDE ? 6 : 5;
export const COLUMNS: i32 = WIDE ? 16 : 8;

/** Numbers from one row of features to the next (features.ts): whole cache lines, and so many that rows stay apart in the cache. */
export const STRIDE: i32 = 144;

// How a tile finds the numbers of A, as types: each layout becomes a function of its own with offsets that are part of its
// instructions.
/** ROWS numbers side by side for every k. */
export type Packed = i32;
/** Rows of STRIDE numbers, k along a row. */
export type Along = f32;
/** Rows of STRIDE numbers, one for every k. */
export type Across = f64;

/** Bytes from a row of A to the next. */
@inline
export function rowStep<A>(): usize {
  return isFloat<A>() && sizeof<A>() == 4 ? STRIDE << 2 : 4;
}

/** Bytes from one k to the next. */
@inline
export function depthStep<A>(): usize {
  return isInteger<A>() ? ROWS << 2 : sizeof<A>() == 4 ? 4 : STRIDE << 2;
}

/** a·b + c, in one instruction where the module may. */
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  else return f32x4.add(f32x4.mul(a, b), c);
}

/** C = A·B or C += A·B for one tile: `b` holds k groups of COLUMNS numbers, rows of C stand `stride` bytes apart. */
@inline
export function tile<A>(k: i32, a: usize, b: usize, c: usize, stride: usize, fresh: bool): void {
  if (WIDE) tileWide<A>(k, a, b, c, stride, fresh);
  else if (ASC_FEATURE_RELAXED_SIMD) tile6<A>(k, a, b, c, stride, fresh);
  else tile5<A>(k, a, b, c, stride, fresh);
}

/** Five rows, for a multiplication and an addition. */
function tile5<A>(k: i32, a: usize, b: usize, c: usize, stride: usize, fresh: bool): void {
  const c0 = c;
  const c1 = c + 1 * stride;
  const c2 = c + 2 * stride;
  const c3 = c + 3 * stride;
  const c4 = c + 4 * stride;
  let l0 = f32x4.splat(0);
  let r0 = f32x4.splat(0);
  let l1 = f32x4.splat(0);
  let r1 = f32x4.splat(0);
  let l2 = f32x4.splat(0);
  let r2 = f32x4.splat(0);
  let l3 = f32x4.splat(0);
  let r3 = f32x4.splat(0);
  let l4 = f32x4.splat(0);
  let r4 = f32x4.splat(0);
  if (!fresh) {
    l0 = v128.load(c0);
    r0 = v128.load(c0, 16);
    l1 = v128.load(c1);
    r1 = v128.load(c1, 16);
    l2 = v128.load(c2);
    r2 = v128.load(c2, 16);
    l3 = v128.load(c3);
    r3 = v128.load(c3, 16);
    l4 = v128.load(c4);
    r4 = v128.load(c4, 16);
  }
  for (const end = b + (<usize>k << 5); b < end; b += 32) {
    const left = v128.load(b);
    const right = v128.load(b, 16);
    const x0 = v128.load32_splat(a);
    l0 = madd(x0, left, l0);
    r0 = madd(x0, right, r0);
    const x1 = v128.load32_splat(a, rowStep<A>());
    l1 = madd(x1, left, l1);
    r1 = madd(x1, right, r1);
    const x2 = v128.load32_splat(a, 2 * rowStep<A>());
    l2 = madd(x2, left, l2);
    r2 = madd(x2, right, r2);
    const x3 = v128.load32_splat(a, 3 * rowStep<A>());
    l3 = madd(x3, left, l3);
    r3 = madd(x3, right, r3);
    const x4 = v128.load32_splat(a, 4 * rowStep<A>());
    l4 = madd(x4, left, l4);
    r4 = madd(x4, right, r4);
    a += depthStep<A>();
  }
  v128.store(c0, l0);
  v128.store(c0, r0, 16);
  v128.store(c1, l1);
  v128.store(c1, r1, 16);
  v128.store(c2, l2);
  v128.store(c2, r2, 16);
  v128.store(c3, l3);
  v128.store(c3, r3, 16);
  v128.store(c4, l4);
  v128.store(c4, r4, 16);
}

/** Six rows, for a multiply-add. */
function tile6<A>(k: i32, a: usize, b: usize, c: usize, stride: usize, fresh: bool): void {
  const c0 = c;
  const c1 = c + 1 * stride;
  const c2 = c + 2 * stride;
  const c3 = c + 3 * stride;
  const c4 = c + 4 * stride;
  const c5 = c + 5 * stride;
  let l0 = f32x4.splat(0);
  let r0 = f32x4.splat(0);
  let l1 = f32x4.splat(0);
  let r1 = f32x4.splat(0);
  let l2 = f32x4.splat(0);
  let r2 = f32x4.splat(0);
  let l3 = f32x4.splat(0);
  let r3 = f32x4.splat(0);
  let l4 = f32x4.splat(0);
  let r4 = f32x4.splat(0);
  let l5 = f32x4.splat(0);
  let r5 = f32x4.splat(0);
  if (!fresh) {
    l0 = v128.load(c0);
    r0 = v128.load(c0, 16);
    l1 = v128.load(c1);
    r1 = v128.load(c1, 16);
    l2 = v128.load(c2);
    r2 = v128.load(c2, 16);
    l3 = v128.load(c3);
    r3 = v128.load(c3, 16);
    l4 = v128.load(c4);
    r4 = v128.load(c4, 16);
    l5 = v128.load(c5);
    r5 = v128.load(c5, 16);
  }
  for (const end = b + (<usize>k << 5); b < end; b += 32) {
    const left = v128.load(b);
    const right = v128.load(b, 16);
    const x0 = v128.load32_splat(a);
    l0 = madd(x0, left, l0);
    r0 = madd(x0, right, r0);
    const x1 = v128.load32_splat(a, rowStep<A>());
    l1 = madd(x1, left, l1);
    r1 = madd(x1, right, r1);
    const x2 = v128.load32_splat(a, 2 * rowStep<A>());
    l2 = madd(x2, left, l2);
    r2 = madd(x2, right, r2);
    const x3 = v128.load32_splat(a, 3 * rowStep<A>());
    l3 = madd(x3, left, l3);
    r3 = madd(x3, right, r3);
    const x4 = v128.load32_splat(a, 4 * rowStep<A>());
    l4 = madd(x4, left, l4);
    r4 = madd(x4, right, r4);
    const x5 = v128.load32_splat(a, 5 * rowStep<A>());
    l5 = madd(x5, left, l5);
    r5 = madd(x5, right, r5);
    a += depthStep<A>();
  }
  v128.store(c0, l0);
  v128.store(c0, r0, 16);
  v128.store(c1, l1);
  v128.store(c1, r1, 16);
  v128.store(c2, l2);
  v128.store(c2, r2, 16);
  v128.store(c3, l3);
  v128.store(c3, r3, 16);
  v128.store(c4, l4);
  v128.store(c4, r4, 16);
  v128.store(c5, l5);
  v128.store(c5, r5, 16);
}

/** Five rows of sixteen columns: twenty sums in ten registers of twice the width. */
function tileWide<A>(k: i32, a: usize, b: usize, c: usize, stride: usize, fresh: bool): void {
  const c0 = c;
  const c1 = c + 1 * stride;
  const c2 = c + 2 * stride;
  const c3 = c + 3 * stride;
  const c4 = c + 4 * stride;
  let s0 = f32x4.splat(0);
  let t0 = f32x4.splat(0);
  let u0 = f32x4.splat(0);
  let v0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let t1 = f32x4.splat(0);
  let u1 = f32x4.splat(0);
  let v1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let t2 = f32x4.splat(0);
  let u2 = f32x4.splat(0);
  let v2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  let t3 = f32x4.splat(0);
  let u3 = f32x4.splat(0);
  let v3 = f32x4.splat(0);
  let s4 = f32x4.splat(0);
  let t4 = f32x4.splat(0);
  let u4 = f32x4.splat(0);
  let v4 = f32x4.splat(0);
  if (!fresh) {
    s0 = v128.load(c0);
    t0 = v128.load(c0, 16);
    u0 = v128.load(c0, 32);
    v0 = v128.load(c0, 48);
    s1 = v128.load(c1);
    t1 = v128.load(c1, 16);
    u1 = v128.load(c1, 32);
    v1 = v128.load(c1, 48);
    s2 = v128.load(c2);
    t2 = v128.load(c2, 16);
    u2 = v128.load(c2, 32);
    v2 = v128.load(c2, 48);
    s3 = v128.load(c3);
    t3 = v128.load(c3, 16);
    u3 = v128.load(c3, 32);
    v3 = v128.load(c3, 48);
    s4 = v128.load(c4);
    t4 = v128.load(c4, 16);
    u4 = v128.load(c4, 32);
    v4 = v128.load(c4, 48);
  }
  for (const end = b + (<usize>k << 6); b < end; b += 64) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const b2 = v128.load(b, 32);
    const b3 = v128.load(b, 48);
    const x0 = v128.load32_splat(a);
    s0 = madd(x0, b0, s0);
    t0 = madd(x0, b1, t0);
    u0 = madd(x0, b2, u0);
    v0 = madd(x0, b3, v0);
    const x1 = v128.load32_splat(a, rowStep<A>());
    s1 = madd(x1, b0, s1);
    t1 = madd(x1, b1, t1);
    u1 = madd(x1, b2, u1);
    v1 = madd(x1, b3, v1);
    const x2 = v128.load32_splat(a, 2 * rowStep<A>());
    s2 = madd(x2, b0, s2);
    t2 = madd(x2, b1, t2);
    u2 = madd(x2, b2, u2);
    v2 = madd(x2, b3, v2);
    const x3 = v128.load32_splat(a, 3 * rowStep<A>());
    s3 = madd(x3, b0, s3);
    t3 = madd(x3, b1, t3);
    u3 = madd(x3, b2, u3);
    v3 = madd(x3, b3, v3);
    const x4 = v128.load32_splat(a, 4 * rowStep<A>());
    s4 = madd(x4, b0, s4);
    t4 = madd(x4, b1, t4);
    u4 = madd(x4, b2, u4);
    v4 = madd(x4, b3, v4);
    a += depthStep<A>();
  }
  v128.store(c0, s0);
  v128.store(c0, t0, 16);
  v128.store(c0, u0, 32);
  v128.store(c0, v0, 48);
  v128.store(c1, s1);
  v128.store(c1, t1, 16);
  v128.store(c1, u1, 32);
  v128.store(c1, v1, 48);
  v128.store(c2, s2);
  v128.store(c2, t2, 16);
  v128.store(c2, u2, 32);
  v128.store(c2, v2, 48);
  v128.store(c3, s3);
  v128.store(c3, t3, 16);
  v128.store(c3, u3, 32);
  v128.store(c3, v3, 48);
  v128.store(c4, s4);
  v128.store(c4, t4, 16);
  v128.store(c4, u4, 32);
  v128.store(c4, v4, 48);
}
