// Rows [from, from + count) of axis 1 of x into axis 1 of y, as bits.
#import grid
#if wide
alias Element = vec4<u32>;
#else
alias Element = u32;
#endif
struct Params {
  size: u32,
  block: u32,
  x_offset: u32,
  x_stride: u32,
  y_offset: u32,
  y_stride: u32,
}
var<uniform> params: Params;
var<storage, read> x: array<Element>;
var<storage, read_write> y: array<Element>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = group_of(workgroup, workgroups) * 256u + thread;
  if (i < params.size) {
    let batch = i / params.block;
    let at = i % params.block;
    y[batch * params.y_stride + params.y_offset + at] = x[batch * params.x_stride + params.x_offset + at];
  }
}
