// x_{n+1} = e^{A_last,n} x_n + Δ_n over the chunks of a sequence, one number of the state per thread: `before` is x_n, `last` what
// is left in the end, `initial` what is there at the beginning (`last` itself where both are one buffer). `backwards` goes
// through the chunks in reverse.
#import grid
#import row_decay
struct Params {
  size: u32,
  length: u32,
  chunk: u32,
  chunks: u32,
  heads: u32,
  rows: u32,
  columns: u32,
  plane: u32,
}
var<uniform> params: Params;
var<storage, read> delta: array<f32>;
#if initial
var<storage, read> initial: array<f32>;
#endif
var<storage, read_write> before: array<f32>;
#if last
var<storage, read_write> last: array<f32>;
#endif

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = group_of(workgroup, workgroups) * 256u + thread;
  if (i >= params.size) {
    return;
  }
  let state = params.rows * params.columns;
  let batch = i / (state * params.heads);
  let head = i / state % params.heads;
  let row = i / params.columns % params.rows;
#if initial
  var x = initial[i];
#else
#if in_place
  var x = last[i];
#else
  var x = 0.0;
#endif
#endif
  for (var n = 0u; n < params.chunks; n++) {
#if backwards
    let c = params.chunks - 1u - n;
#else
    let c = n;
#endif
    let begin = c * params.chunk;
    let end = min(params.length, begin + params.chunk);
    let root = row_decay_root(row, (batch * params.length + end - 1u) * params.heads + head, begin);
    let at = ((batch * params.chunks + c) * params.heads + head) * state + i % state;
    before[at] = x;
    x = decayed(root, x) + delta[at];
  }
#if last
  last[i] = x;
#endif
}
