// Where the first query of each row of the batch stands, as attention reads it: the nearer end where it is outside the keys.
#import grid
struct Params {
  size: u32,
  at: u32,
  most: i32,
}
var<uniform> params: Params;
var<storage, read> offset: array<i32>;
var<storage, read_write> prepared: array<vec2<f32>>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = group_of(workgroup, workgroups) * 256u + thread;
  if (i < params.size) {
    prepared[params.at + i] = vec2<f32>(f32(clamp(offset[i], 0, params.most)), 0.0);
  }
}
