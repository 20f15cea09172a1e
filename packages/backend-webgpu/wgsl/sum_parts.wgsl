// y = Σ of the parts of a product whose k was split (+ bias) (+ y).
#import grid
struct Params {
  size: u32,
  parts: u32,
  n: u32,
  accumulate: u32,
}
var<uniform> params: Params;
var<storage, read> parts: array<vec4<f32>>;
#if bias
var<storage, read> bias: array<vec4<f32>>;
#endif
var<storage, read_write> y: array<vec4<f32>>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = group_of(workgroup, workgroups) * 256u + thread;
  if (i >= params.size) {
    return;
  }
  var sum = parts[i];
  for (var part = 1u; part < params.parts; part++) {
    sum += parts[part * params.size + i];
  }
#if bias
  sum += bias[i % params.n];
#endif
  if (params.accumulate != 0u) {
    sum += y[i];
  }
  y[i] = sum;
}
