// What a token says about θ: what it moved, times its β.
var<storage, read> moved: array<f32>;
#if beta
var<storage, read> beta: array<f32>;
#endif

fn term(row: u32, column: u32) -> f32 {
  let at = row * params.n + column;
#if beta
#if beta_per_pair
  return moved[at] * beta[at];
#else
  return moved[at] * beta[at / params.half];
#endif
#else
  return moved[at];
#endif
}
