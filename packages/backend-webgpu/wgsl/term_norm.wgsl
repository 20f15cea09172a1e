// What a row says about a norm's weight: dy·(x − mean)·scale, with the mean as seen from the first number where `centred`.
var<storage, read> x: array<f32>;
var<storage, read> dy: array<f32>;
var<storage, read> statistics: array<vec2<f32>>;

fn term(row: u32, column: u32) -> f32 {
  let at = row * params.n + column;
  let s = statistics[row];
#if centred
  return dy[at] * (((x[at] - x[row * params.n]) - s.x) * s.y);
#else
  return dy[at] * (x[at] * s.y);
#endif
}
