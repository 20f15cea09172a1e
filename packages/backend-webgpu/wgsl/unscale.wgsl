// Gradients of keys or queries from those of what was embedded in their place, and what each says about the gates at its own token.
// Gradients come with tokens side by side and go out with dimensions side by side: they change places in workgroup memory. With
// `terms` they are those of queries, boosted and of q̃/|q̃|; all heads that share their gates are one group's work.
#import boost
#import grid
#import decay
struct Params {
  length: u32,
  chunk: u32,
  chunks: u32,
  heads: u32,
  shared_by: u32,
  d: u32,
  vectors: u32,
  padded: u32,
  plane: u32,
  root: f32,
  groups: u32,
}
var<uniform> params: Params;
// Keys or queries.
var<storage, read> x: array<f32>;
#if terms
var<storage, read> terms: array<vec4<f32>>;
#endif
// [B, n, heads, width, padded tokens]
var<storage, read> gradient: array<f32>;
var<storage, read_write> dx: array<f32>;
#if dA
var<storage, read_write> dA: array<f32>;
#endif

const threads = 256u;
const tokens = 32u;
const dimensions = 64u;
// Threads that go along a row.
const lanes = threads / tokens;
const pitch = dimensions + 1u;
var<workgroup> block: array<f32, tokens * pitch>;
var<workgroup> parts: array<f32, tokens * (lanes + 1u)>;

var<private> begin: u32;
var<private> gate_last: u32;

// What a gradient is multiplied by; exactly 0 where the token says nothing to the state, or hears nothing of it.
fn factor_of(row: u32, gate_row: u32, token: u32, i: u32) -> f32 {
#if terms
  let norm = terms[row].y;
  return select(params.root / norm / boost, 0.0, norm == 0.0) * state_decay(gate_row, begin, i);
#else
  return key_decay(gate_last, gate_row, token, i);
#endif
}

@compute @workgroup_size(threads)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = group_of(workgroup, workgroups);
  if (group >= params.groups) {
    return;
  }
  let tiles = (params.padded + tokens - 1u) / tokens;
  let first = group % tiles * tokens;
  let state = group / tiles;
  let states = params.heads / params.shared_by;
  begin = state / states % params.chunks * params.chunk;
  let count = min(params.chunk, params.length - begin);
  let first_row = (state / (states * params.chunks) * params.length + begin) * states + state % states;
  gate_last = first_row + (count - 1u) * states;
  let column = first + thread % tokens;
  let token = first + thread / lanes;
  let lane = thread % lanes;
  let gate_row = first_row + token * states;
  var along = 0.0;
  for (var head = 0u; head < params.shared_by; head++) {
    let row = gate_row * params.shared_by + head;
    let at = (state * params.shared_by + head) * params.vectors * 4u;
    for (var i = 0u; i < params.d; i += dimensions) {
      let end = min(params.d - i, dimensions);
      if (column < count) {
        for (var j = thread / tokens; j < end; j += threads / tokens) {
          block[thread % tokens * pitch + j] = gradient[(at + i + j) * params.padded + column];
        }
      }
      workgroupBarrier();
      if (token < count) {
        var factor = factor_of(row, gate_row, begin + token, 0u);
        for (var j = lane; j < end; j += lanes) {
#if A
          if (gate_width > 1u) {
            factor = factor_of(row, gate_row, begin + token, i + j);
          }
#endif
          let value = select(block[thread / lanes * pitch + j] * factor, 0.0, factor == 0.0);
          dx[row * params.d + i + j] = value;
#if dA
          let own = select(x[row * params.d + i + j] * value, 0.0, factor == 0.0);
          if (gate_width == 1u) {
            along += own;
          } else {
            let place = gate_row * gate_width + i + j;
#if terms
            if (head == 0u) {
              dA[place] = own;
            } else {
              dA[place] += own;
            }
#else
            dA[place] = -own;
#endif
          }
#endif
        }
      }
      workgroupBarrier();
    }
  }
#if dA
  if (gate_width == 1u) {
    parts[thread / lanes * (lanes + 1u) + lane] = along;
    workgroupBarrier();
    if (thread < tokens && column < count) {
      var sum = 0.0;
      for (var i = 0u; i < lanes; i++) {
        sum += parts[thread * (lanes + 1u) + i];
      }
#if terms
      dA[first_row + column * states] = sum * gate_exponent;
#else
      dA[first_row + column * states] = -sum * gate_exponent;
#endif
    }
  }
#endif
}
