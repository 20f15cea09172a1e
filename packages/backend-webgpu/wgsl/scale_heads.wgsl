// y = x·scale^times, or over it, for the scale of each head.
#import grid
struct Params {
  size: u32,
  length: u32,
  heads: u32,
  d: u32,
  times: u32,
  divide: u32,
}
var<uniform> params: Params;
// [B, length, heads, d]
var<storage, read> x: array<f32>;
var<storage, read> scale: array<f32>;
var<storage, read_write> y: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = group_of(workgroup, workgroups) * 256u + thread;
  if (i >= params.size) {
    return;
  }
  let row = i / params.d;
  let own = scale[row / (params.length * params.heads) * params.heads + row % params.heads];
  // One over a power of two, exactly.
  let factor = select(own, bitcast<f32>(0x7f000000u - bitcast<u32>(own)), params.divide != 0u);
  var value = x[i];
  for (var r = 0u; r < params.times; r++) {
    value *= factor;
  }
  y[i] = value;
}
