// Floats of 16 bits from and to float32, four at a time. As a type parameter u16 stands for float16 and i16 for bfloat16.

import { corner } from './arena';

/** Four halves, as float32. */
@inline
export function widen4<B>(at: usize): v128 {
  const bits = v128.load_ext<u16>(at);
  if (isSigned<B>()) return i32x4.shl(bits, 16);
  // Exponents are those of float32 less 112. The product is exact, also where a half has no leading 1.
  const size = i32x4.shl(v128.and(bits, i32x4.splat(0x7fff)), 13);
  const finite = f32x4.mul(size, f32x4.splat(5.192296858534828e33));
  const infinite = v128.and(i32x4.ge_s(size, i32x4.splat(0x0f800000)), i32x4.splat(0x7f800000));
  return v128.or(v128.or(finite, infinite), i32x4.shl(v128.and(bits, i32x4.splat(0x8000)), 16));
}

/** The nearest halves, ties to even, in the lower half of each lane. */
@inline
export function narrow4<B>(x: v128): v128 {
  const size = v128.and(x, i32x4.splat(0x7fffffff));
  const isNaN = i32x4.gt_s(size, i32x4.splat(0x7f800000));
  if (isSigned<B>()) {
    const upper = i32x4.shr_u(x, 16);
    const even = v128.and(upper, i32x4.splat(1));
    const near = i32x4.shr_u(i32x4.add(x, i32x4.add(even, i32x4.splat(0x7fff))), 16);
    return v128.bitselect(v128.or(upper, i32x4.splat(0x40)), near, isNaN);
  }
  const even = v128.and(i32x4.shr_u(size, 13), i32x4.splat(1));
  let near = i32x4.shr_u(i32x4.add(i32x4.sub(size, i32x4.splat(0x37fff001)), even), 13);
  // Below 2⁻¹⁴ the steps are 2⁻²⁴, as those of float32 are above ½.
  const small = i32x4.sub(f32x4.add(size, f32x4.splat(0.5)), i32x4.splat(0x3f000000));
  near = v128.bitselect(small, near, i32x4.lt_s(size, i32x4.splat(0x38800000)));
  near = v128.bitselect(i32x4.splat(0x7c00), near, i32x4.ge_s(size, i32x4.splat(0x477ff000)));
  near = v128.bitselect(i32x4.splat(0x7e00), near, isNaN);
  return v128.or(near, v128.and(i32x4.shr_u(x, 16), i32x4.splat(0x8000)));
}

/** `n` halves from x, as float32 to y. */
export function widenRow<B>(n: i32, x: usize, y: usize): void {
  let i = 0;
  for (; i + 8 <= n; i += 8, x += 16, y += 32) {
    const low = widen4<B>(x);
    const high = widen4<B>(x + 8);
    v128.store(y, low);
    v128.store(y, high, 16);
  }
  if (i == n) return;
  memory.copy(corner, x, <usize>(n - i) << 1);
  const low = widen4<B>(corner);
  const high = widen4<B>(corner + 8);
  v128.store(corner, low);
  v128.store(corner, high, 16);
  memory.copy(y, corner, <usize>(n - i) << 2);
}

function narrowRow<B>(n: i32, x: usize, y: usize): void {
  let i = 0;
  for (; i + 8 <= n; i += 8, x += 32, y += 16) {
    v128.store(y, i16x8.narrow_i32x4_u(narrow4<B>(v128.load(x)), narrow4<B>(v128.load(x, 16))));
  }
  if (i == n) return;
  memory.copy(corner, x, <usize>(n - i) << 2);
  v128.store(corner, i16x8.narrow_i32x4_u(narrow4<B>(v128.load(corner)), narrow4<B>(v128.load(corner, 16))));
  memory.copy(y, corner, <usize>(n - i) << 1);
}

export function fromFloat16(from: i32, to: i32, x: usize, y: usize): void {
  widenRow<u16>(to - from, x + (<usize>from << 1), y + (<usize>from << 2));
}

export function fromBfloat16(from: i32, to: i32, x: usize, y: usize): void {
  widenRow<i16>(to - from, x + (<usize>from << 1), y + (<usize>from << 2));
}

export function toFloat16(from: i32, to: i32, x: usize, y: usize): void {
  narrowRow<u16>(to - from, x + (<usize>from << 2), y + (<usize>from << 1));
}

export function toBfloat16(from: i32, to: i32, x: usize, y: usize): void {
  narrowRow<i16>(to - from, x + (<usize>from << 2), y + (<usize>from << 1));
}
