// Fixed-point numbers of 128 bits, lowest word first, 88 of them behind the point: sums of log gates are exact, so that they
// do not depend on their order, nor on what a compiler makes of two-float arithmetic.
const point = 88;

fn add_fixed(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
  var sum = a + b;
  var carry = u32(sum.x < a.x);
  var overflow = u32(sum.y < a.y);
  sum.y += carry;
  carry = overflow | u32(sum.y < carry);
  overflow = u32(sum.z < a.z);
  sum.z += carry;
  carry = overflow | u32(sum.z < carry);
  sum.w += carry;
  return sum;
}

// Words are never picked by a number that is not known when the shader is compiled: that would put them into memory.

// |x| below 2^40; bits below 2^−88 are dropped.
fn to_fixed(x: f32) -> vec4<u32> {
  let bits = bitcast<u32>(x);
  let exponent = i32((bits >> 23u) & 255u);
  let mantissa = (bits & 0x7fffffu) | 0x800000u;
  let shift = exponent - 150 + point;
  if (exponent == 0 || shift <= -24) {
    return vec4<u32>();
  }
  if (shift < 0) {
    return vec4<u32>(mantissa >> u32(-shift), 0, 0, 0);
  }
  let offset = u32(shift) & 31u;
  let low = mantissa << offset;
  // What leaves the word at the top; no shift is by 32.
  let high = (mantissa >> 1u) >> (31u - offset);
  let word = vec4<u32>(u32(shift) >> 5u);
  let words = vec4<u32>(0, 1, 2, 3);
  return select(vec4<u32>(), vec4<u32>(low), words == word) | select(vec4<u32>(), vec4<u32>(high), words == word + 1u);
}

// 2^e, 0 below the smallest normal number.
fn power_of_two(e: i32) -> f32 {
  if (e < -126) {
    return 0.0;
  }
  return bitcast<f32>(u32(e + 127) << 23u);
}

// Head and tail of 24 bits each.
fn from_fixed(x: vec4<u32>) -> vec2<f32> {
  // The words from the highest that is not 0 on, and how far it stands above the lowest.
  var words = x.wzy;
  var above = 96;
  if (words.x == 0u) {
    words = x.zyx;
    above = 64;
  }
  if (words.x == 0u) {
    words = vec3<u32>(x.yx, 0);
    above = 32;
  }
  if (words.x == 0u) {
    words = vec3<u32>(x.x, 0, 0);
    above = 0;
  }
  if (words.x == 0u) {
    return vec2<f32>();
  }
  let zeros = countLeadingZeros(words.x);
  let first = (words.x << zeros) | ((words.y >> 1u) >> (31u - zeros));
  let second = (words.y << zeros) | ((words.z >> 1u) >> (31u - zeros));
  let head = first >> 8u;
  let tail = ((first & 0xffu) << 16u) | (second >> 16u);
  // The exponent of the lowest bit of the head.
  let lowest = above + 8 - i32(zeros) - point;
  return vec2<f32>(f32(head) * power_of_two(lowest), f32(tail) * power_of_two(lowest - 24));
}
