// By what a norm multiplies a row, from two sums: of the squares of its numbers, and of those made small, as squares of numbers
// from 10^19 on are beyond the range of a float.
// 2^-64
const small = 5.421010862427522e-20;
const largest = 3e38;

fn squares_of(x: f32) -> vec2<f32> {
  // Drivers may multiply in another order, and small² alone is 0; they do not through a minimum.
  let reduced = min(small * abs(x), largest);
  return vec2<f32>(x * x, reduced * reduced);
}

fn norm_scale(squares: vec2<f32>, count: f32, eps: f32) -> f32 {
  if (squares.y > 0.25) {
    return small / sqrt(squares.y / count);
  }
  return 1.0 / sqrt(squares.x / count + eps);
}
