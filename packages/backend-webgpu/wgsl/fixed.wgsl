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

// x·2^shift, for a shift of either sign.
fn shifted(x: vec4<u32>, shift: i32) -> vec4<u32> {
  var out = vec4<u32>();
  let words = shift >> 5u;
  let bits = u32(shift & 31);
  for (var word = 0; word < 4; word++) {
    let source = word - words;
    if (source >= 0 && source < 4) {
      out[word] |= x[source] << bits;
    }
    if (bits != 0u && source >= 1 && source < 5) {
      out[word] |= x[source - 1] >> (32u - bits);
    }
  }
  return out;
}

// |x| below 2^40; bits below 2^−88 are dropped.
fn to_fixed(x: f32) -> vec4<u32> {
  let bits = bitcast<u32>(x);
  let exponent = i32((bits >> 23u) & 255u);
  if (exponent == 0) {
    return vec4<u32>();
  }
  return shifted(vec4<u32>((bits & 0x7fffffu) | 0x800000u, 0, 0, 0), exponent - 150 + point);
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
  var top = -1;
  for (var word = 3; word >= 0 && top < 0; word--) {
    if (x[word] != 0u) {
      top = word * 32 + 31 - i32(countLeadingZeros(x[word]));
    }
  }
  if (top < 0) {
    return vec2<f32>();
  }
  let head = shifted(x, 23 - top).x & 0xffffffu;
  let tail = shifted(x, 47 - top).x & 0xffffffu;
  return vec2<f32>(f32(head) * power_of_two(top - 23 - point), f32(tail) * power_of_two(top - 47 - point));
}
