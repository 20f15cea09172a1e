// 1 + tanh and its slope.
#import activations

fn forward(x: f32) -> f32 {
  return one_plus_tanh(x);
}

fn slope(x: f32) -> f32 {
  let e = exponential(-2.0 * abs(x));
  return 4.0 * e / ((1.0 + e) * (1.0 + e));
}
