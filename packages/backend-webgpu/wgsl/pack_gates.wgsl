// Sums of gates as attention reads them: two pairs per gate, (head, tail) and (start, 0).
#import grid
struct Params {
  size: u32,
  at: u32,
}
var<uniform> params: Params;
var<storage, read> A: array<f32>;
var<storage, read> start: array<i32>;
var<storage, read_write> prepared: array<vec2<f32>>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = group_of(workgroup, workgroups) * 256u + thread;
  if (i < params.size) {
    prepared[params.at + 2u * i] = vec2<f32>(A[i], A[params.size + i]);
    prepared[params.at + 2u * i + 1u] = vec2<f32>(f32(start[i]), 0.0);
  }
}
