// Two numbers of each query row as the gradient of attention by powers reads them.
#import grid
struct Params {
  size: u32,
}
var<uniform> params: Params;
var<storage, read> rowMax: array<f32>;
var<storage, read> dden: array<f32>;
var<storage, read_write> prepared: array<vec2<f32>>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = group_of(workgroup, workgroups) * 256u + thread;
  if (i < params.size) {
    prepared[i] = vec2<f32>(rowMax[i], dden[i]);
  }
}
