// log sigmoid(x), without overflow or cancellation.
#import numbers

fn forward(x: f32) -> f32 {
  return min(x, 0.0) - log_one_plus(exponential(-abs(x)));
}

fn slope(x: f32) -> f32 {
  return sigmoid(-x);
}
