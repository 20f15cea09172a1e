// y = −∞ where the token begins a document, else x.
#import grid
#import numbers
struct Params {
  size: u32,
  width: u32,
}
var<uniform> params: Params;
var<storage, read> x: array<f32>;
var<storage, read> reset: array<i32>;
var<storage, read_write> y: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = group_of(workgroup, workgroups) * 256u + thread;
  if (i < params.size) {
    y[i] = select(x[i], -infinity(), reset[i / params.width] != 0);
  }
}
