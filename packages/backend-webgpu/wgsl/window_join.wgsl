// One token's answer from the parts that `window_parts` left, a number of it per thread: both sides are brought over one factor
// c = max(|score|, |q̃|) to the power p before they meet.
#import grid
#import whole_power
struct Params {
  size: u32,
  heads: u32,
  shared_by: u32,
  columns: u32,
  blocks: u32,
  window: u32,
  power: u32,
  normalized: u32,
}
var<uniform> params: Params;
var<storage, read> parts: array<f32>;
#if v
// [B, window, G, columns]
var<storage, read> v: array<f32>;
// [B]
var<storage, read> count: array<i32>;
#endif
var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = group_of(workgroup, workgroups) * 64u + thread;
  if (i >= params.size) {
    return;
  }
  let query = i / params.columns;
  let column = i % params.columns;
  let width = params.columns + 1u;
  let at = query * (params.blocks * width + 2u + params.window);
  let after = at + params.blocks * width;
  let norm = parts[after + 1u];
  var c = norm;
#if v
  let tokens = u32(clamp(count[query / params.heads], 0, i32(params.window)));
#else
  let tokens = 0u;
#endif
  for (var j = 0u; j < tokens; j++) {
    c = max(c, abs(parts[after + 2u + j]));
  }
  if (c == 0.0) {
    y[i] = 0.0;
    return;
  }
  var answer = 0.0;
  var total = 0.0;
  if (norm > 0.0) {
    for (var block = 0u; block < params.blocks; block++) {
      answer += parts[at + block * width + column];
      total += parts[at + block * width + params.columns];
    }
    // One by one: the power of the ratio may be too small for a float where the product is not.
    let ratio = parts[after] / c;
    for (var r = 0u; r < params.power; r++) {
      answer *= ratio;
      total *= ratio;
    }
  }
#if v
  let states = params.heads / params.shared_by;
  let state = query / params.shared_by;
  let first_row = state / states * params.window * states + state % states;
  for (var j = 0u; j < tokens; j++) {
    let weight = whole_power(parts[after + 2u + j] / c, params.power);
    if (weight != 0.0) {
      total += weight;
      answer += weight * v[(first_row + j * states) * params.columns + column];
    }
  }
#endif
  var scale = whole_power(c, params.power);
  if (params.normalized != 0u) {
    scale = select(1.0 / total, 0.0, total == 0.0);
  }
  y[i] = scale * answer;
}
