// The gradient of the state after a step: that of later steps, and of each answer, φ(q)·dyᵀ. A number of the state per thread.
#import grid
#import row_feature
struct Params {
  size: u32,
  rows: u32,
  columns: u32,
  d: u32,
  shared_by: u32,
  root: f32,
}
var<uniform> params: Params;
// Queries, [B, H, d].
var<storage, read> vectors: array<f32>;
var<storage, read> dy: array<f32>;
var<storage, read> shares: array<vec2<f32>>;
#if dSNext
var<storage, read> dSNext: array<f32>;
#endif
#if dZNext
var<storage, read> dZNext: array<f32>;
#endif
var<storage, read_write> dS: array<f32>;
var<storage, read_write> dZ: array<f32>;

// Column number `columns` is Z.
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = group_of(workgroup, workgroups) * 256u + thread;
  if (i >= params.size) {
    return;
  }
  let line = i / (params.columns + 1u);
  let column = i % (params.columns + 1u);
  let state = line / params.rows;
  var sum = 0.0;
  for (var query = state * params.shared_by; query < (state + 1u) * params.shared_by; query++) {
    let feature = row_feature(line % params.rows, query * params.d, params.root);
    if (column == params.columns) {
      sum += feature * shares[query].y;
    } else {
      sum += feature * (shares[query].x * dy[query * params.columns + column]);
    }
  }
  if (column == params.columns) {
#if dZNext
    sum += dZNext[line];
#endif
    dZ[line] = sum;
  } else {
    let at = line * params.columns + column;
#if dSNext
    sum += dSNext[at];
#endif
    dS[at] = sum;
  }
}
