// Queries as they meet the state before their chunk: q̃/|q̃| with q̃ = q·e^A/√d, so that φ of them is neither too large nor too small.
// Rows are padded to whole vectors with zeros: `natural` as [B, T, H, width], `transposed` as [B, n, H, width, padded tokens].
// With c = max(rowMax, |q̃|), `terms` holds (rowMax/c)^p, den times that or without den |q̃|, c^p and (|q̃|/c)^p.
#import grid
#import whole_power
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
  power: u32,
}
var<uniform> params: Params;
var<storage, read> q: array<f32>;
var<storage, read> row_max: array<f32>;
#if den
var<storage, read> den: array<f32>;
#endif
#if natural
var<storage, read_write> natural: array<vec4<f32>>;
#endif
var<storage, read_write> transposed: array<f32>;
var<storage, read_write> terms: array<vec4<f32>>;

// Four numbers of q̃ from dimension i on.
fn scaled(row: u32, gate_row: u32, begin: u32, i: u32, shared_factor: f32) -> vec4<f32> {
  var value = vec4<f32>();
  var factor = shared_factor;
#repeat j 4
  if (i + $ju < params.d) {
#if A
    if (gate_width > 1u) {
      factor = state_decay(gate_row, begin, i + $ju) * params.root;
    }
#endif
    value[$j] = select(q[row * params.d + i + $ju] * factor, 0.0, factor == 0.0);
  }
#end
  return value;
}

// Token of the chunk fastest, then the head, the chunk and the sequence.
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let index = group_of(workgroup, workgroups) * 64u + thread;
  if (index >= params.size) {
    return;
  }
  let t = index % params.padded;
  let part = index / params.padded;
  let head = part % params.heads;
  let begin = part / params.heads % params.chunks * params.chunk;
  let token = part / (params.heads * params.chunks) * params.length + begin + t;
  let there = t < min(params.chunk, params.length - begin);
  let row = token * params.heads + head;
  let gate_row = token * (params.heads / params.shared_by) + head / params.shared_by;
  var shared_factor = params.root;
  var norm = 0.0;
  if (there) {
#if A
    if (gate_width == 1u) {
      shared_factor *= state_decay(gate_row, begin, 0u);
    }
#endif
    var largest = 0.0;
    for (var i = 0u; i < params.d; i += 4u) {
      let value = abs(scaled(row, gate_row, begin, i, shared_factor));
      largest = max(largest, max(max(value.x, value.y), max(value.z, value.w)));
    }
    if (largest != 0.0) {
      var square = 0.0;
      for (var i = 0u; i < params.d; i += 4u) {
        let value = scaled(row, gate_row, begin, i, shared_factor) / largest;
        square += dot(value, value);
      }
      norm = largest * sqrt(square);
    }
    let most = row_max[row];
    let c = max(most, norm);
    var inside = 0.0;
    var outside = 0.0;
    if (c != 0.0) {
      inside = whole_power(most / c, params.power);
      // Exactly 0 where a row sees nothing of the state: nothing is multiplied by it.
      outside = select(whole_power(norm / c, params.power), 0.0, norm == 0.0);
    }
#if den
    let share = den[row] * inside;
#else
    let share = norm;
#endif
    terms[row] = vec4<f32>(inside, share, whole_power(c, params.power), outside);
  }
  for (var vector = 0u; vector < params.vectors; vector++) {
    var value = vec4<f32>();
    if (norm != 0.0) {
      value = scaled(row, gate_row, begin, 4u * vector, shared_factor) / norm;
    }
#repeat j 4
    transposed[((part * params.vectors + vector) * 4u + $ju) * params.padded + t] = value[$j];
#end
#if natural
    if (there) {
      natural[row * params.vectors + vector] = value;
    }
#endif
  }
}
