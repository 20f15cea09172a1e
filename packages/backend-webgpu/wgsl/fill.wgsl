// y = one number, given by its bits.
#import grid
struct Params {
  size: u32,
  bits: u32,
}
var<uniform> params: Params;
var<storage, read_write> y: array<vec4<u32>>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = group_of(workgroup, workgroups) * 256u + thread;
  if (i < params.size) {
    y[i] = vec4<u32>(params.bits);
  }
}
