// The gradient of φ of a vector: S·value + Z, row by row; with `shares`, S·(share·value) + (other share)·Z. Sixteen threads per row.
#import grid
struct Params {
  size: u32,
  rows: u32,
  columns: u32,
  shared_by: u32,
}
var<uniform> params: Params;
var<storage, read> S: array<f32>;
var<storage, read> Z: array<f32>;
var<storage, read> values: array<f32>;
#if shares
var<storage, read> shares: array<vec2<f32>>;
#endif
var<storage, read_write> gradient: array<f32>;
var<workgroup> partials: array<f32, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = group_of(workgroup, workgroups) * 16u + thread / 16u;
  let lane = thread % 16u;
  let vector = i / params.rows;
  let row = vector / params.shared_by * params.rows + i % params.rows;
  var sum = 0.0;
  if (i < params.size) {
    for (var j = lane; j < params.columns; j += 16u) {
      sum += values[vector * params.columns + j] * S[row * params.columns + j];
    }
  }
  partials[thread] = sum;
  workgroupBarrier();
  if (lane != 0u || i >= params.size) {
    return;
  }
  for (var other = 1u; other < 16u; other++) {
    sum += partials[thread + other];
  }
#if shares
  gradient[i] = shares[vector].x * sum + shares[vector].y * Z[row];
#else
  gradient[i] = sum + Z[row];
#endif
}
