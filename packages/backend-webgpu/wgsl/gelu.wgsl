// GELU in its tanh form, x·sigmoid(2u) with u = √(2/π)·(x + 0.044715 x³): nothing cancels where x is very negative.
#import numbers
const twice_scale = 1.5957691216057308;
const cubic = 0.044715;

fn forward(x: f32) -> f32 {
  return x * sigmoid(twice_scale * (x + cubic * x * x * x));
}

fn slope(x: f32) -> f32 {
  let e = exponential(-abs(twice_scale * (x + cubic * x * x * x)));
  // Saturated; the product below would be 0·∞.
  if (e == 0.0) {
    return select(0.0, 1.0, x >= 0.0);
  }
  let s = select(e, 1.0, x >= 0.0) / (1.0 + e);
  return s + x * (e / ((1.0 + e) * (1.0 + e))) * twice_scale * (1.0 + 3.0 * cubic * x * x);
}
