// Column sums: y[s, c] = scale·Σ_r term(r, c) over the rows of split s, with the function of the slot `term`. Many rows take
// two launches, the second over the splits of the first.
#import grid
struct Params {
  rows: u32,
  n: u32,
  rows_per_split: u32,
  scale: f32,
  half: u32,
  groups: u32,
}
var<uniform> params: Params;
#import term
var<storage, read_write> y: array<f32>;

const columns = 32u;
const lanes = 8u;
var<workgroup> parts: array<f32, columns * lanes>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = group_of(workgroup, workgroups);
  if (group >= params.groups) {
    return;
  }
  let blocks = (params.n + columns - 1u) / columns;
  let split = group / blocks;
  let column = group % blocks * columns + thread % columns;
  let end = min(params.rows, (split + 1u) * params.rows_per_split);
  var sum = 0.0;
  if (column < params.n) {
    for (var row = split * params.rows_per_split + thread / columns; row < end; row += lanes) {
      sum += term(row, column);
    }
  }
  parts[thread] = sum;
  workgroupBarrier();
  if (thread < columns && column < params.n) {
    for (var lane = 1u; lane < lanes; lane++) {
      sum += parts[lane * columns + thread];
    }
    y[split * params.n + column] = params.scale * sum;
  }
}
