// What the gates of each chunk learn from each row of its state: sums[n, row] = e^{A}·(Σ dS·S + dZ·Z), boosted. Sixteen
// threads per row.
#import boost
#import grid
#import row_decay
struct Params {
  size: u32,
  length: u32,
  chunk: u32,
  chunks: u32,
  heads: u32,
  rows: u32,
  columns: u32,
#if A
  plane: u32,
#endif
}
var<uniform> params: Params;
var<storage, read> S: array<f32>;
var<storage, read> Z: array<f32>;
var<storage, read> dS: array<f32>;
var<storage, read> dZ: array<f32>;
var<storage, read_write> sums: array<f32>;
var<workgroup> partials: array<f32, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = group_of(workgroup, workgroups) * 16u + thread / 16u;
  let lane = thread % 16u;
  var sum = 0.0;
  if (i < params.size) {
    for (var j = lane; j < params.columns; j += 16u) {
      sum += dS[i * params.columns + j] * S[i * params.columns + j];
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
  let state = i / params.rows;
  let begin = state / params.heads % params.chunks * params.chunk;
  let end = min(params.length, begin + params.chunk);
  let token = state / (params.heads * params.chunks) * params.length + end - 1u;
  let root = row_decay_root(i % params.rows, token * params.heads + state % params.heads, begin);
  sums[i] = decayed(root, boost * (sum + dZ[i] * Z[i]));
}
