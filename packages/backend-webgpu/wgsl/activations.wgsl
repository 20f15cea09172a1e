// Activations of one number.
#import numbers
const gelu_scale = 1.5957691216057308;
const gelu_cubic = 0.044715;

// GELU in its tanh form, x·sigmoid(2u) with u = √(2/π)·(x + 0.044715 x³): nothing cancels where x is very negative.
fn gelu(x: f32) -> f32 {
  return x * sigmoid(gelu_scale * (x + gelu_cubic * x * x * x));
}

// log sigmoid(x), without overflow or cancellation.
fn log_sigmoid(x: f32) -> f32 {
  return min(x, 0.0) - log_one_plus(exponential(-abs(x)));
}

// 1 + tanh(x) as 2·sigmoid(2x).
fn one_plus_tanh(x: f32) -> f32 {
  return 2.0 * sigmoid(2.0 * x);
}
