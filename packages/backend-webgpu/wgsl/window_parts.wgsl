// What decoding needs of the state and of the window of keys behind it. For each query there are `blocks` workgroups that answer
// from 64 rows of the state each, φ(x)ᵀS and φ(x)·Z with x the decayed query over a power of two, and one for each key's score.
//
// `parts` holds for each query [blocks, columns + 1], then that power of two over √d, then |q̃|, then the window's scores, of
// which those from the row's count on are not written.
#import grid
#import rows
#import numbers
const threads = 256u;
#import reduce
override d: u32 = 64;
override gate_width: u32 = 1;
override gate_exponent: f32 = 1;
struct Params {
  heads: u32,
  shared_by: u32,
  rows: u32,
  columns: u32,
  blocks: u32,
  window: u32,
  root: f32,
  groups: u32,
}
var<uniform> params: Params;
// [B, H, d]
var<storage, read> q: array<f32>;
#if k
// [B, window, G, d]
var<storage, read> k: array<f32>;
// [B]
var<storage, read> count: array<i32>;
#endif
#if log_gate
var<storage, read> log_gate: array<f32>;
#endif
var<storage, read> S: array<f32>;
var<storage, read> Z: array<f32>;
var<storage, read_write> parts: array<f32>;

var<workgroup> x: array<f32, d>;
var<workgroup> features: array<f32, 64>;

// What is left at the newest token of all that was before token `since`, in dimension i.
fn decay_since(first_row: u32, since: u32, tokens: u32, i: u32) -> f32 {
#if log_gate
  var sum = 0.0;
  var seen = true;
  let states = params.heads / params.shared_by;
  for (var j = since; j < tokens; j++) {
    let log = log_gate[(first_row + j * states) * gate_width + select(0u, i, gate_width > 1u)];
    seen = seen && log >= -87.0;
    sum += log;
  }
  return select(0.0, exponential(sum * gate_exponent), seen);
#else
  return 1.0;
#endif
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = group_of(workgroup, workgroups);
  if (group >= params.groups) {
    return;
  }
  let block = group % (params.blocks + params.window);
  let query = group / (params.blocks + params.window);
  let states = params.heads / params.shared_by;
  let state = query / params.shared_by;
  // Row of the window's oldest key.
  let first_row = state / states * params.window * states + state % states;
  let width = params.columns + 1u;
  let out = query * (params.blocks * width + 2u + params.window);
#if k
  let tokens = u32(clamp(count[state / states], 0, i32(params.window)));
#else
  let tokens = 0u;
#endif

#if k
  if (block >= params.blocks) {
    let j = block - params.blocks;
    if (j >= tokens) {
      return;
    }
    var sum = 0.0;
    for (var i = thread; i < d; i += threads) {
      let factor = decay_since(first_row, j + 1u, tokens, i);
      if (factor != 0.0) {
        sum += q[query * d + i] * k[(first_row + j * states) * d + i] * factor;
      }
    }
    let score = workgroup_sum(thread, sum) * params.root;
    if (thread == 0u) {
      parts[out + params.blocks * width + 2u + j] = score;
    }
    return;
  }
#endif

  var most = 0.0;
  for (var i = thread; i < d; i += threads) {
    let value = q[query * d + i] * decay_since(first_row, 0u, tokens, i);
    x[i] = value;
    most = max(most, abs(value));
  }
  // 2^-n for a largest number in [2^n, 2^{n+1}): exact, whatever φ is raised to.
  let exponent = clamp(bitcast<u32>(workgroup_max(thread, most)) >> 23u, 1u, 253u);
  let scale = bitcast<f32>((254u - exponent) << 23u);
  var square = 0.0;
  for (var i = thread; i < d; i += threads) {
    x[i] *= scale;
    square += x[i] * x[i];
  }
  let norm = sqrt(workgroup_sum(thread, square));
  if (block == 0u && thread == 0u) {
    let back = bitcast<f32>(exponent << 23u) * params.root;
    parts[out + params.blocks * width] = back;
    parts[out + params.blocks * width + 1u] = norm * back;
  }
  let first = block * 64u;
  if (thread < 64u) {
    var feature = 0.0;
    if (first + thread < params.rows) {
      feature = row_weight(first + thread);
#repeat r power
      feature *= x[row_index(first + thread, $ru)];
#end
    }
    features[thread] = feature;
  }
  workgroupBarrier();
  let lane = thread / 16u;
  let end = min(64u, params.rows - first);
  for (var begin = 0u; begin < width; begin += 16u) {
    let column = begin + thread % 16u;
    var sum = 0.0;
    for (var r = lane; r < end; r += 16u) {
      let row = state * params.rows + first + r;
      if (column < params.columns) {
        sum += features[r] * S[row * params.columns + column];
      } else if (column == params.columns) {
        sum += features[r] * Z[row];
      }
    }
    partials[thread] = sum;
    workgroupBarrier();
    if (thread < 16u && column < width) {
      var total = 0.0;
      for (var r = thread; r < threads; r += 16u) {
        total += partials[r];
      }
      parts[out + block * width + column] = total;
    }
    workgroupBarrier();
  }
}
