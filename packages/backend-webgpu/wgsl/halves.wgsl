// Floats of 16 bits, two to a word, from and to float32; to the nearest, ties to even, whatever the device's own do. The composer
// imports this where a tensor holds halves.
fn from_float16(word: u32) -> vec2<f32> {
  return unpack2x16float(word);
}

fn from_bfloat16(word: u32) -> vec2<f32> {
  return bitcast<vec2<f32>>(vec2<u32>(word << 16u, word & 0xffff0000u));
}

fn to_float16(pair: vec2<f32>) -> u32 {
  let bits = bitcast<vec2<u32>>(pair);
  let size = bits & vec2<u32>(0x7fffffffu);
  // Exponents are those of float32 less 112.
  var near = (size - vec2<u32>(0x37fff001u) + ((size >> vec2<u32>(13u)) & vec2<u32>(1u))) >> vec2<u32>(13u);
  // Below 2⁻¹⁴ the steps are 2⁻²⁴, as those of float32 are above ½.
  let small = bitcast<vec2<u32>>(abs(pair) + 0.5) - vec2<u32>(0x3f000000u);
  near = select(near, small, size < vec2<u32>(0x38800000u));
  near = select(near, vec2<u32>(0x7c00u), size >= vec2<u32>(0x477ff000u));
  near = select(near, vec2<u32>(0x7e00u), size > vec2<u32>(0x7f800000u));
  near |= (bits >> vec2<u32>(16u)) & vec2<u32>(0x8000u);
  return near.x | (near.y << 16u);
}

fn to_bfloat16(pair: vec2<f32>) -> u32 {
  let bits = bitcast<vec2<u32>>(pair);
  let upper = bits >> vec2<u32>(16u);
  let near = (bits + vec2<u32>(0x7fffu) + (upper & vec2<u32>(1u))) >> vec2<u32>(16u);
  let chosen = select(near, upper | vec2<u32>(0x40u), (bits & vec2<u32>(0x7fffffffu)) > vec2<u32>(0x7f800000u));
  return chosen.x | (chosen.y << 16u);
}
