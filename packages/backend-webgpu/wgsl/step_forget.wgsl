// The gradient of the state before a step from that of the state after it: every row decays.
#import grid
#import step_decay
struct Params {
  size: u32,
  rows: u32,
  columns: u32,
}
var<uniform> params: Params;
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
  let root = row_decay_root(line % params.rows, line / params.rows, 0u);
  if (column == params.columns) {
    dZ[line] = decayed(root, dZ[line]);
  } else {
    let at = line * params.columns + column;
    dS[at] = decayed(root, dS[at]);
  }
}
