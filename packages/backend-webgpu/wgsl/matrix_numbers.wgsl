// What products on matrix units need of numbers: halves of a float32, and scales that make operands fit into float16.

// The upper half of each number: ten bits of its mantissa, by their mask, as a compiler may take f32(f16(x)) for x.
fn upper(x: vec4<f32>) -> vec4<f32> {
  return bitcast<vec4<f32>>(bitcast<vec4<u32>>(x) & vec4<u32>(0xffffe000u));
}

fn finite(x: vec4<f32>) -> vec4<bool> {
  return (bitcast<vec4<u32>>(x) & vec4<u32>(0x7f800000u)) < vec4<u32>(0x7f800000u);
}

fn lower(x: vec4<f32>) -> vec4<f32> {
  return select(vec4<f32>(), x - upper(x), finite(x));
}

fn larger(before: f32, x: vec4<f32>) -> f32 {
  let size = abs(x);
  return max(before, max(max(size.x, size.y), max(size.z, size.w)));
}

fn power_of_two(exponent: i32) -> f32 {
  return bitcast<f32>(u32(max(exponent, -126) + 127) << 23u);
}

// The scale's exponent, and another where the largest number does not fit: then it lies at 2¹⁰, with room for larger ones.
fn fitted(exponent: i32, size: f32) -> i32 {
  let of_size = i32(bitcast<u32>(size) >> 23u) - 127;
  return select(exponent, 10 - of_size, of_size + exponent > 14);
}
