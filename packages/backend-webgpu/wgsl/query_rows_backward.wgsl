// What a row of dy says about the sums that were divided: `scale` leads from dy to the gradient of the state's answer, `weight`
// is the gradient of its divisor, both boosted; dnum and dden are the shares of the attention inside the chunk. Sixteen threads per row.
#import grid
#import boost
#import whole_power
struct Params {
  size: u32,
  columns: u32,
  normalized: u32,
  power: u32,
}
var<uniform> params: Params;
#if terms
var<storage, read> terms: array<vec4<f32>>;
#else
var<storage, read> row_max: array<f32>;
#endif
var<storage, read> y: array<f32>;
var<storage, read> total: array<f32>;
var<storage, read> dy: array<f32>;
var<storage, read_write> dnum: array<f32>;
var<storage, read_write> dden: array<f32>;
#if terms
var<storage, read_write> scale: array<f32>;
var<storage, read_write> weight: array<f32>;
#endif
var<workgroup> partials: array<f32, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let row = group_of(workgroup, workgroups) * 16u + thread / 16u;
  let lane = thread % 16u;
  var along = 0.0;
  if (row < params.size) {
    for (var j = lane; j < params.columns; j += 16u) {
      along += dy[row * params.columns + j] * y[row * params.columns + j];
    }
  }
  partials[thread] = along;
  workgroupBarrier();
  if (row >= params.size) {
    return;
  }
  along = 0.0;
  for (var other = 0u; other < 16u; other++) {
    along += partials[thread - lane + other];
  }
#if terms
  let inside = terms[row].x;
  let whole = terms[row].z;
#else
  let c = row_max[row];
  let inside = select(1.0, 0.0, c == 0.0);
  let whole = whole_power(c, params.power);
#endif
  var factor = whole;
  var of_sum = 0.0;
  if (params.normalized != 0u) {
    let sum = total[row];
    factor = select(1.0 / sum, 0.0, sum == 0.0);
    of_sum = -along * factor;
  }
  for (var j = lane; j < params.columns; j += 16u) {
    dnum[row * params.columns + j] = dy[row * params.columns + j] * factor * inside;
  }
  if (lane == 0u) {
    dden[row] = of_sum * inside;
#if terms
    let outside = terms[row].w;
    scale[row] = select(factor * boost * outside, 0.0, outside == 0.0);
    weight[row] = select(of_sum * boost * outside, 0.0, outside == 0.0);
#endif
  }
}
