// x^p for a whole p.
fn whole_power(x: f32, p: u32) -> f32 {
  var result = 1.0;
  var base = x;
  for (var left = p; left > 0u; left >>= 1u) {
    if ((left & 1u) != 0u) {
      result *= base;
    }
    base *= base;
  }
  return result;
}
