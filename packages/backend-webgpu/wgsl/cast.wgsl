// y = x in another element type; equal types are moved as they are.
#import grid
#if from_integer
alias From = vec4<i32>;
#else
alias From = vec4<f32>;
#endif
#if to_integer
alias To = vec4<i32>;
#else
alias To = vec4<f32>;
#endif
struct Params {
  size: u32,
}
var<uniform> params: Params;
var<storage, read> x: array<From>;
var<storage, read_write> y: array<To>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = group_of(workgroup, workgroups) * 256u + thread;
  if (i < params.size) {
    y[i] = To(x[i]);
  }
}
