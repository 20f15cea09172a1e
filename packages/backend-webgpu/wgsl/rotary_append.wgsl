// The next token of each row of a stream: phases are moved on, queries and keys turned by them, and keys, values and gates put behind
// those that a memory holds, every row of the batch at its own place. A thread takes a pair of a key, and of all queries that share
// it, or a number of a value or gate.
#import grid
struct Params {
  size: u32,
  rows: u32,
  window: u32,
  heads: u32,
  shared_by: u32,
  half: u32,
  plane: u32,
  // Pairs of a row's keys, and numbers of its values and gates.
  columns: u32,
  of_v: u32,
  of_gates: u32,
}
var<uniform> params: Params;
var<storage, read> offset: array<i32>;
#if q
#import phases
#import turns
var<storage, read> q: array<vec2<f32>>;
var<storage, read> k: array<vec2<f32>>;
var<storage, read_write> keys: array<vec2<f32>>;
var<storage, read_write> y: array<vec2<f32>>;
#endif
#if v
var<storage, read> v: array<f32>;
var<storage, read_write> values: array<f32>;
var<storage, read_write> next: array<i32>;
#endif
#if log_gate
var<storage, read> log_gate: array<f32>;
var<storage, read_write> log_gates: array<f32>;
#endif

fn rotated(pair: vec2<f32>, w: vec2<f32>) -> vec2<f32> {
  return vec2<f32>(pair.x * w.x - pair.y * w.y, pair.x * w.y + pair.y * w.x);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = group_of(workgroup, workgroups) * 64u + thread;
  if (i >= params.size) {
    return;
  }
  let width = params.columns + params.of_v + params.of_gates;
  let row = i / width;
  let c = i % width;
  let place = offset[row];
  let room = place >= 0 && place < i32(params.window);
  let to = row * params.window + u32(place);
  if (c < params.columns) {
#if q
    prepare(row, c);
    let at = row * params.columns + c;
    let sum = element(at, 0u);
    finish(row, c, sum);
    let w = turned(in_turns(sum));
    if (room) {
      keys[to * params.columns + c] = rotated(k[at], w);
    }
    let first = row * params.heads + c / params.half * params.shared_by;
    for (var head = first; head < first + params.shared_by; head++) {
      let pair = head * params.half + c % params.half;
      y[pair] = rotated(q[pair], w);
    }
#endif
    return;
  }
#if v
  let column = c - params.columns;
  if (column == 0u) {
    next[row] = place + select(1, 0, place < 0);
  }
  if (!room) {
    return;
  }
  if (column < params.of_v) {
    values[to * params.of_v + column] = v[row * params.of_v + column];
    return;
  }
#endif
#if log_gate
  let gate = column - params.of_v;
  log_gates[to * params.of_gates + gate] = log_gate[row * params.of_gates + gate];
#endif
}
