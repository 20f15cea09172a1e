// y[r, :] = x.
#import grid
#if wide
alias Element = vec4<f32>;
#else
alias Element = f32;
#endif
struct Params {
  size: u32,
  n: u32,
}
var<uniform> params: Params;
var<storage, read> x: array<Element>;
var<storage, read_write> y: array<Element>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = group_of(workgroup, workgroups) * 256u + thread;
  if (i < params.size) {
    y[i] = x[i % params.n];
  }
}
