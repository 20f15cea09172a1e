// The innermost product: a few rows of C in registers, eight columns wide. What V8 makes fast here was measured: the loop
// over k not unrolled, as many rows as registers allow, plain stores at the end.

/** Rows of a tile: what 16 registers hold beside the operands. A multiply-add saves the register of the product. */
export const ROWS: i32 = ASC_FEATURE_RELAXED_SIMD ? 6 : 5;
export const COLUMNS: i32 = 8;

/** a·b + c, in one instruction where the module may. */
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  else return f32x4.add(f32x4.mul(a, b), c);
}

/**
 * C = A·B or C += A·B for one tile: `a` holds k groups of ROWS numbers, `b` k groups of COLUMNS, rows of C stand `stride`
 * bytes apart.
 */
@inline
export function tile(k: i32, a: usize, b: usize, c: usize, stride: usize, fresh: bool): void {
  if (ASC_FEATURE_RELAXED_SIMD) tile6(k, a, b, c, stride, fresh);
  else tile5(k, a, b, c, stride, fresh);
}

/** Five rows, for a multiplication and an addition. */
function tile5(k: i32, a: usize, b: usize, c: usize, stride: usize, fresh: bool): void {
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
    const x1 = v128.load32_splat(a, 4);
    l1 = madd(x1, left, l1);
    r1 = madd(x1, right, r1);
    const x2 = v128.load32_splat(a, 8);
    l2 = madd(x2, left, l2);
    r2 = madd(x2, right, r2);
    const x3 = v128.load32_splat(a, 12);
    l3 = madd(x3, left, l3);
    r3 = madd(x3, right, r3);
    const x4 = v128.load32_splat(a, 16);
    l4 = madd(x4, left, l4);
    r4 = madd(x4, right, r4);
    a += 20;
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
function tile6(k: i32, a: usize, b: usize, c: usize, stride: usize, fresh: bool): void {
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
    const x1 = v128.load32_splat(a, 4);
    l1 = madd(x1, left, l1);
    r1 = madd(x1, right, r1);
    const x2 = v128.load32_splat(a, 8);
    l2 = madd(x2, left, l2);
    r2 = madd(x2, right, r2);
    const x3 = v128.load32_splat(a, 12);
    l3 = madd(x3, left, l3);
    r3 = madd(x3, right, r3);
    const x4 = v128.load32_splat(a, 16);
    l4 = madd(x4, left, l4);
    r4 = madd(x4, right, r4);
    const x5 = v128.load32_splat(a, 20);
    l5 = madd(x5, left, l5);
    r5 = madd(x5, right, r5);
    a += 24;
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
