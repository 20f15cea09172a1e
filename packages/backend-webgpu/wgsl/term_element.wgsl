// The elements themselves.
var<storage, read> x: array<f32>;

fn term(row: u32, column: u32) -> f32 {
  return x[row * params.n + column];
}
