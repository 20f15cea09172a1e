// Gradients of queries from the boosted ones of q̃/|q̃|, and what the queries of a token say about its gates; one token per thread, for all
// the heads that share its gates.
#import boost
#import grid
#import decay
struct Params {
  size: u32,
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
}
var<uniform> params: Params;
var<storage, read> q: array<f32>;
var<storage, read> terms: array<vec4<f32>>;
// [B, n, H, width, padded tokens]
var<storage, read> gradient: array<f32>;
var<storage, read_write> dq: array<f32>;
#if dA
var<storage, read_write> dA: array<f32>;
#endif

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let index = group_of(workgroup, workgroups) * 64u + thread;
  let t = index % params.padded;
  let state = index / params.padded;
  let states = params.heads / params.shared_by;
  let begin = state / states % params.chunks * params.chunk;
  if (index >= params.size || t >= min(params.chunk, params.length - begin)) {
    return;
  }
  let token = state / (states * params.chunks) * params.length + begin + t;
  let gate_row = token * states + state % states;
  var along = 0.0;
  for (var h = 0u; h < params.shared_by; h++) {
    let row = gate_row * params.shared_by + h;
    let norm = terms[row].y;
    let scale = select(params.root / norm / boost, 0.0, norm == 0.0);
    var factor = scale * state_decay(gate_row, begin, 0u);
    for (var i = 0u; i < params.d; i++) {
#if A
      if (gate_width > 1u) {
        factor = scale * state_decay(gate_row, begin, i);
      }
#endif
      let hidden = factor == 0.0;
      let value = select(gradient[((state * params.shared_by + h) * params.vectors * 4u + i) * params.padded + t] * factor, 0.0, hidden);
      dq[row * params.d + i] = value;
#if dA
      let own = select(q[row * params.d + i] * value, 0.0, hidden);
      if (gate_width == 1u) {
        along += own;
      } else if (h == 0u) {
        dA[gate_row * gate_width + i] = own;
      } else {
        dA[gate_row * gate_width + i] += own;
      }
#endif
    }
  }
#if dA
  if (gate_width == 1u) {
    dA[gate_row] = along * gate_exponent;
  }
#endif
}
