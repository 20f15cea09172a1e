// y[r, :] = weight[ids[r], :], and NaN for ids that have no row.
#import grid
#import numbers
#if wide
alias Element = vec4<f32>;
#else
alias Element = f32;
#endif
struct Params {
  size: u32,
  n: u32,
  count: u32,
}
var<uniform> params: Params;
var<storage, read> ids: array<i32>;
var<storage, read> weight: array<Element>;
var<storage, read_write> y: array<Element>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = group_of(workgroup, workgroups) * 256u + thread;
  if (i >= params.size) {
    return;
  }
  let id = ids[i / params.n];
  if (id >= 0 && u32(id) < params.count) {
    y[i] = weight[u32(id) * params.n + i % params.n];
  } else {
    y[i] = Element(nan());
  }
}
