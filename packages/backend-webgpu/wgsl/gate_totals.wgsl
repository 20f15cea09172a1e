// Sums over the rows of a state into the gradient of the gates that decayed it, one gate per workgroup: with vector gates a row
// counts as often as the dimension is in its multi-index. Rows come boosted.
#import boost
#import grid
#import rows
const threads = 128u;
#import reduce
struct Params {
  length: u32,
  chunk: u32,
  chunks: u32,
  heads: u32,
  rows: u32,
  width: u32,
  groups: u32,
}
var<uniform> params: Params;
var<storage, read> sums: array<f32>;
var<storage, read_write> dA: array<f32>;

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = group_of(workgroup, workgroups);
  if (group >= params.groups) {
    return;
  }
  let dimension = group % params.width;
  let state = group / params.width;
  var sum = 0.0;
  for (var row = thread; row < params.rows; row += threads) {
    let value = sums[state * params.rows + row];
#if rows
    var times = 0.0;
#repeat r power
    times += select(0.0, 1.0, row_index(row, $ru) == dimension);
#end
    sum += times * value;
#else
    sum += value;
#endif
  }
  let total = workgroup_sum(thread, sum);
  if (thread == 0u) {
    let end = min(params.length, (state / params.heads % params.chunks + 1u) * params.chunk);
    let token = state / (params.heads * params.chunks) * params.length + end - 1u;
    dA[(token * params.heads + state % params.heads) * params.width + dimension] = total / boost;
  }
}
