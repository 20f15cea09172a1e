// GELU and its slope.
#import activations

fn forward(x: f32) -> f32 {
  return gelu(x);
}

fn slope(x: f32) -> f32 {
  let e = exponential(-abs(gelu_scale * (x + gelu_cubic * x * x * x)));
  // Saturated; the product below would be 0·∞.
  if (e == 0.0) {
    return select(0.0, 1.0, x >= 0.0);
  }
  let s = select(e, 1.0, x >= 0.0) / (1.0 + e);
  return s + x * (e / ((1.0 + e) * (1.0 + e))) * gelu_scale * (1.0 + 3.0 * gelu_cubic * x * x);
}
