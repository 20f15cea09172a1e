// Powers of two that keep φ of a head's keys, and the states that it makes, within the range of a float.

/** Where powers of keys stay within 2^±this, they are far from both ends of a float. */
const COMFORTABLE: i32 = 32;
/** Of a scale: its reciprocal is a normal float, too. */
const STEEPEST: i32 = 126;
const INFINITE: i32 = 0x7f800000;

/** Bits of the largest finite |x| of `count` numbers, and of `most`: they have the numbers' order. */
function largestBits(x: usize, count: i32, most: i32): i32 {
  const ends = i32x4.splat(INFINITE);
  const magnitude = i32x4.splat(0x7fffffff);
  let all = i32x4.splat(most);
  let i: usize = 0;
  for (const whole = <usize>(count & ~3) << 2; i < whole; i += 16) {
    const bits = v128.and(v128.load(x + i), magnitude);
    all = i32x4.max_s(all, v128.and(bits, i32x4.lt_s(bits, ends)));
  }
  most = max(max(i32x4.extract_lane(all, 0), i32x4.extract_lane(all, 1)), max(i32x4.extract_lane(all, 2), i32x4.extract_lane(all, 3)));
  for (; i < <usize>count << 2; i += 4) {
    const bits = load<i32>(x + i) & 0x7fffffff;
    if (bits < INFINITE) most = max(most, bits);
  }
  return most;
}

/** A task is one key/value head. */
export function keyScale(begin: i32, end: i32, T: i32, G: i32, d: i32, p: i32, D: i32, k: usize, Z: usize, scale: usize): void {
  for (let head = begin; head < end; head++) {
    const first = (head / G) * T * G + (head % G);
    let keys = 0;
    for (let t = 0; t < T; t++) keys = largestBits(k + (<usize>((first + t * G) * d) << 2), d, keys);
    const state = Z ? largestBits(Z + (<usize>(head * D) << 2), D, 0) : 0;
    let n = i32.MIN_VALUE;
    if (keys != 0) n = (keys >> 23) - 127;
    if (state != 0) n = max(n, <i32>Math.floor(<f64>((state >> 23) - 127) / <f64>p));
    const needed = n != i32.MIN_VALUE && p * abs(n) > COMFORTABLE;
    n = max(-STEEPEST, min(STEEPEST, n));
    store<f32>(scale + (<usize>head << 2), needed ? reinterpret<f32>((127 - n) << 23) : <f32>1);
  }
}

/** x^n for n ≥ 0, exact for powers of two. `Math.pow` would bring its tables along, 7% of the module. */
function wholePower(x: f64, n: i32): f64 {
  let result: f64 = 1;
  for (; n > 0; n >>= 1, x *= x) if (n & 1) result *= x;
  return result;
}

/** A task is one row of d numbers. */
export function scaleHeads(begin: i32, end: i32, T: i32, G: i32, d: i32, times: i32, x: usize, scale: usize, y: usize): void {
  for (let row = begin; row < end; row++) {
    const own = load<f32>(scale + (<usize>((row / (T * G)) * G + (row % G)) << 2));
    const at = <usize>(row * d) << 2;
    const bytes = <usize>d << 2;
    if (own == 1) {
      memory.copy(y + at, x + at, bytes);
      continue;
    }
    const factor = wholePower(times < 0 ? 1 / <f64>own : <f64>own, abs(times));
    for (let i = at; i < at + bytes; i += 4) store<f32>(y + i, <f32>(<f64>load<f32>(x + i) * factor));
  }
}
