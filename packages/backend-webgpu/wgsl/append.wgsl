// Keys, values and gates of new tokens behind those that a memory holds, every row of the batch at its own place. A word per
// thread, which may be two halves; the first threads also say where rows go on.
#import grid
struct Params {
  size: u32,
  rows: u32,
  tokens: u32,
  window: u32,
  // Words of a token.
  of_k: u32,
  of_v: u32,
  of_gates: u32,
}
var<uniform> params: Params;
var<storage, read> k: array<u32>;
var<storage, read> v: array<u32>;
var<storage, read> offset: array<i32>;
var<storage, read_write> keys: array<u32>;
var<storage, read_write> values: array<u32>;
#if log_gate
var<storage, read> log_gate: array<u32>;
var<storage, read_write> log_gates: array<u32>;
#endif
var<storage, read_write> next: array<i32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = group_of(workgroup, workgroups) * 256u + thread;
  if (i < params.rows) {
    next[i] = offset[i] + select(i32(params.tokens), 0, offset[i] < 0);
  }
  if (i >= params.size) {
    return;
  }
  let width = params.of_k + params.of_v + params.of_gates;
  let token = i / width;
  let row = token / params.tokens;
  let first = offset[row];
  // Tokens that still have room, so that no sum overflows.
  let room = i32(params.window) - first;
  let t = token % params.tokens;
  if (first < 0 || i32(t) >= room) {
    return;
  }
  let to = row * params.window + u32(first) + t;
  let c = i % width;
  if (c < params.of_k) {
    keys[to * params.of_k + c] = k[token * params.of_k + c];
  } else if (c < params.of_k + params.of_v) {
    let column = c - params.of_k;
    values[to * params.of_v + column] = v[token * params.of_v + column];
  }
#if log_gate
  else {
    let column = c - params.of_k - params.of_v;
    log_gates[to * params.of_gates + column] = log_gate[token * params.of_gates + column];
  }
#endif
}
