// What queryState is without a state: the attention inside the chunk, normalised.
#import grid
#import whole_power
struct Params {
  size: u32,
  columns: u32,
  normalized: u32,
  power: u32,
}
var<uniform> params: Params;
var<storage, read> num: array<f32>;
var<storage, read> den: array<f32>;
var<storage, read> row_max: array<f32>;
var<storage, read_write> y: array<f32>;
var<storage, read_write> total: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = group_of(workgroup, workgroups) * 256u + thread;
  if (i >= params.size) {
    return;
  }
  let row = i / params.columns;
  let c = row_max[row];
  let sum = select(den[row], 0.0, c == 0.0);
  var scale = select(1.0 / sum, 0.0, sum == 0.0);
  if (params.normalized == 0u) {
    scale = select(whole_power(c, params.power), 0.0, c == 0.0);
  }
  y[i] = num[i] * scale;
  if (i % params.columns == 0u) {
    total[row] = sum;
  }
}
