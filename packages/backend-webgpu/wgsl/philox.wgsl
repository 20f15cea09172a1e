// Philox4x32 with ten rounds: the counter-based generator of `Random`, bit for bit.

// The upper half of the 64 bits of a product.
fn multiply_high(a: u32, b: u32) -> u32 {
  let a_low = a & 0xffffu;
  let a_high = a >> 16u;
  let b_low = b & 0xffffu;
  let b_high = b >> 16u;
  let middle = a_high * b_low + ((a_low * b_low) >> 16u);
  let carry = a_low * b_high + (middle & 0xffffu);
  return a_high * b_high + (middle >> 16u) + (carry >> 16u);
}

fn philox(counter: vec4<u32>, key: vec2<u32>) -> vec4<u32> {
  var words = counter;
  var k = key;
  for (var round = 0; round < 10; round++) {
    words = vec4<u32>(
      multiply_high(0xcd9e8d57u, words.z) ^ words.y ^ k.x,
      0xcd9e8d57u * words.z,
      multiply_high(0xd2511f53u, words.x) ^ words.w ^ k.y,
      0xd2511f53u * words.x,
    );
    k += vec2<u32>(0x9e3779b9u, 0xbb67ae85u);
  }
  return words;
}
