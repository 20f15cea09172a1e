// ∂φ/∂x, transposed, times a gradient of φ(x·root): one number of dx per workgroup, which looks for its dimension in all rows.
#import grid
#import rows
const threads = 128u;
#import reduce
struct Params {
  rows: u32,
  d: u32,
  root: f32,
  groups: u32,
}
var<uniform> params: Params;
var<storage, read> vectors: array<f32>;
// [vectors, rows]
var<storage, read> gradient: array<f32>;
var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = group_of(workgroup, workgroups);
  if (group >= params.groups) {
    return;
  }
  let vector = group / params.d;
  let dimension = group % params.d;
  var sum = 0.0;
  for (var row = thread; row < params.rows; row += threads) {
    var times = 0.0;
    var others = 1.0;
#repeat r power
    {
      let i = row_index(row, $ru);
      // One of the factors x_dimension goes, the others stay.
      if (i == dimension && times == 0.0) {
        times = 1.0;
      } else {
        times += select(0.0, 1.0, i == dimension);
        others *= vectors[vector * params.d + i] * params.root;
      }
    }
#end
    if (times != 0.0) {
      sum += times * others * row_weight(row) * gradient[vector * params.rows + row];
    }
  }
  let total = workgroup_sum(thread, sum);
  if (thread == 0u) {
    dx[group] = total * params.root;
  }
}
