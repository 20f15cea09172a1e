// Gradients of keys from those of the decayed keys, and what each key says about the gates at its own token; one token of a head
// per thread.
#import grid
#import decay
struct Params {
  size: u32,
  length: u32,
  chunk: u32,
  chunks: u32,
  heads: u32,
  d: u32,
  vectors: u32,
  padded: u32,
  plane: u32,
}
var<uniform> params: Params;
var<storage, read> k: array<f32>;
// [B, n, G, width, padded tokens]
var<storage, read> gradient: array<f32>;
var<storage, read_write> dk: array<f32>;
#if dA
var<storage, read_write> dA: array<f32>;
#endif

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let index = group_of(workgroup, workgroups) * 64u + thread;
  let t = index % params.padded;
  let state = index / params.padded;
  let begin = state / params.heads % params.chunks * params.chunk;
  let count = min(params.chunk, params.length - begin);
  if (index >= params.size || t >= count) {
    return;
  }
  let first = (state / (params.heads * params.chunks) * params.length + begin) * params.heads + state % params.heads;
  let row = first + t * params.heads;
  let last = first + (count - 1u) * params.heads;
  var factor = key_decay(last, row, begin + t, 0u);
  var along = 0.0;
  for (var i = 0u; i < params.d; i++) {
#if A
    if (gate_width > 1u) {
      factor = key_decay(last, row, begin + t, i);
    }
#endif
    let hidden = factor == 0.0;
    let value = select(gradient[(state * params.vectors * 4u + i) * params.padded + t] * factor, 0.0, hidden);
    dk[row * params.d + i] = value;
#if dA
    if (gate_width > 1u) {
      dA[row * gate_width + i] = select(-k[row * params.d + i] * value, 0.0, hidden);
    } else {
      along += select(k[row * params.d + i] * value, 0.0, hidden);
    }
#endif
  }
#if dA
  if (gate_width == 1u) {
    dA[row] = -along * gate_exponent;
  }
#endif
}
