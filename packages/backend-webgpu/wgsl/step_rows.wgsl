// What a row of dy says about the sums that were divided: the factor from dy to the gradient of φ(q)ᵀS, and the gradient of
// φ(q)·Z. One query per thread, with the parts that `window_parts` left.
#import grid
#import whole_power
struct Params {
  size: u32,
  columns: u32,
  blocks: u32,
  power: u32,
  normalized: u32,
}
var<uniform> params: Params;
var<storage, read> parts: array<f32>;
var<storage, read> y: array<f32>;
var<storage, read> dy: array<f32>;
var<storage, read_write> shares: array<vec2<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let query = group_of(workgroup, workgroups) * 64u + thread;
  if (query >= params.size) {
    return;
  }
  if (params.normalized == 0u) {
    shares[query] = vec2<f32>(1.0, 0.0);
    return;
  }
  var along = 0.0;
  for (var j = 0u; j < params.columns; j++) {
    along += dy[query * params.columns + j] * y[query * params.columns + j];
  }
  let width = params.columns + 1u;
  let at = query * (params.blocks * width + 2u);
  var sum = 0.0;
  for (var block = 0u; block < params.blocks; block++) {
    sum += parts[at + block * width + params.columns];
  }
  sum *= whole_power(parts[at + params.blocks * width], params.power);
  let scale = select(1.0 / sum, 0.0, sum == 0.0);
  shares[query] = vec2<f32>(scale, -along * scale);
}
