// One step of the recurrent form: S ← γS + φ(k)vᵀ and Z ← γZ + φ(k), a number of the state per thread; S and Z are left out where
// they are the next state's buffers.
#import grid
#import step_decay
#import row_feature
struct Params {
  size: u32,
  rows: u32,
  columns: u32,
  d: u32,
}
var<uniform> params: Params;
// Keys, [B, G, d].
var<storage, read> vectors: array<f32>;
var<storage, read> v: array<f32>;
#if S
var<storage, read> S: array<f32>;
#endif
#if Z
var<storage, read> Z: array<f32>;
#endif
var<storage, read_write> SNext: array<f32>;
var<storage, read_write> ZNext: array<f32>;

// Column number `columns` is Z.
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = group_of(workgroup, workgroups) * 256u + thread;
  if (i >= params.size) {
    return;
  }
  let line = i / (params.columns + 1u);
  let column = i % (params.columns + 1u);
  let row = line % params.rows;
  let state = line / params.rows;
  let root = row_decay_root(row, state, 0u);
  let feature = row_feature(row, state * params.d, 1.0);
  if (column == params.columns) {
#if Z
    let before = Z[line];
#else
    let before = ZNext[line];
#endif
    ZNext[line] = decayed(root, before) + feature;
    return;
  }
  let at = line * params.columns + column;
#if S
  let before = S[at];
#else
  let before = SNext[at];
#endif
  SNext[at] = decayed(root, before) + feature * v[state * params.columns + column];
}
