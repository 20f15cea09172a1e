// Keys as they reach the end of their chunk, k·e^{A_last − A_j}, 0 where they do not, whatever they are. Rows are padded to whole vectors with zeros: `natural` as
// [B, T, G, width], `transposed` as [B, n, G, width, padded tokens].
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
#if natural
var<storage, read_write> natural: array<vec4<f32>>;
#endif
#if transposed
var<storage, read_write> transposed: array<f32>;
#endif

// Token of the chunk fastest, then four dimensions, then the head, the chunk and the sequence.
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = group_of(workgroup, workgroups) * 256u + thread;
  if (i >= params.size) {
    return;
  }
  let t = i % params.padded;
  let vector = i / params.padded % params.vectors;
  let state = i / (params.padded * params.vectors);
  let begin = state / params.heads % params.chunks * params.chunk;
  let first = (state / (params.heads * params.chunks) * params.length + begin) * params.heads + state % params.heads;
  let count = min(params.chunk, params.length - begin);
  let row = first + t * params.heads;
  let last = first + (count - 1u) * params.heads;
  var value = vec4<f32>();
  if (t < count) {
#if A
    var factor = key_decay(last, row, begin + t, 0u);
#else
    let factor = 1.0;
#endif
#repeat j 4
    let i$j = vector * 4u + $ju;
    if (i$j < params.d) {
#if A
      if (gate_width > 1u) {
        factor = key_decay(last, row, begin + t, i$j);
      }
#endif
      value[$j] = select(k[row * params.d + i$j] * factor, 0.0, factor == 0.0);
    }
#end
#if natural
    natural[row * params.vectors + vector] = value;
#endif
  }
#if transposed
#repeat j 4
  transposed[((state * params.vectors + vector) * 4u + $ju) * params.padded + t] = value[$j];
#end
#endif
}
