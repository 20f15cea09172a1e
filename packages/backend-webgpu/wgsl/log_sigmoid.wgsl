// log sigmoid and its slope.
#import activations

fn forward(x: f32) -> f32 {
  return log_sigmoid(x);
}

fn slope(x: f32) -> f32 {
  return sigmoid(-x);
}
