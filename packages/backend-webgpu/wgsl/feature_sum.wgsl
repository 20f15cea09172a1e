// S = φ(x)ᵀV and Z = φ(x)ᵀ1 over the tokens of each chunk and the heads that share a state; with `scale` and `weight`, a number
// per token and head, V is scaled by it and Z is φ(x)ᵀweight; both come boosted. One tile of S per workgroup; φ is made as the
// product loads it.
#import boost
#import grid
#import features
#import tile
struct Params {
  length: u32,
  chunk: u32,
  chunks: u32,
  heads: u32,
  shared_by: u32,
  rows: u32,
  columns: u32,
  quads: u32,
  vectors: u32,
  gate_width: u32,
  groups: u32,
}
var<uniform> params: Params;
#if wide
alias Stored = vec4<f32>;
#else
alias Stored = f32;
#endif
// [B, T, heads, vectors]
var<storage, read> x: array<vec4<f32>>;
var<storage, read> v: array<Stored>;
#if scale
var<storage, read> scale: array<f32>;
var<storage, read> weight: array<f32>;
#endif
#import chunk_start
var<storage, read_write> S: array<Stored>;
var<storage, read_write> Z: array<f32>;

var<workgroup> parts_of_z: array<vec4<f32>, threads>;
var<private> z: vec4<f32>;
var<private> first_quad: u32;
var<private> first_column: u32;
// Row of x and v for the first token of the chunk, and the tokens.
var<private> first_row: u32;
var<private> count: u32;
// The first token of the chunk that counts.
var<private> shown: u32;

fn load_a(m: u32, k: u32) -> mat4x4<f32> {
  var block = mat4x4<f32>();
  let quad = first_quad + m / 4u;
  if (quad >= params.quads) {
    return block;
  }
  let weights = quad_weights(quad);
  let last = quad_last(quad) / 4u;
#repeat j 4
  if (k + $ju < count) {
    let row = first_row + (k + $ju) * params.heads;
    let at = row * params.vectors;
    var monomial = 1.0;
#repeat r prefix
    let i$j$r = quad_prefix(quad, $ru);
    monomial *= x[at + i$j$r / 4u][i$j$r % 4u];
#end
    block[$j] = weights * monomial * x[at + last];
#if scale
    z += block[$j] * weight[row];
#else
    z += block[$j];
#endif
  }
#end
  return block;
}

fn load_b(n: u32, k: u32) -> mat4x4<f32> {
  var block = mat4x4<f32>();
  let column = first_column + n;
  if (column >= params.columns) {
    return block;
  }
#repeat j 4
  if (k + $ju >= shown && k + $ju < count) {
    let row = first_row + (k + $ju) * params.heads;
    let at = row * params.columns + column;
#if wide
    block[$j] = v[at / 4u];
#else
    block[$j][0] = v[at];
#repeat i 3
    if (column + $iu + 1u < params.columns) {
      block[$j][$i + 1] = v[at + $iu + 1u];
    }
#end
#endif
#if scale
    block[$j] = select(block[$j] * scale[row], vec4<f32>(), scale[row] == 0.0);
#endif
  }
#end
  return block;
}

fn store(state: u32, m: u32, n: u32, boosted: vec4<f32>) {
#if scale
  let value = boosted / boost;
#else
  let value = boosted;
#endif
  let quad = first_quad + m / 4u;
  let column = first_column + n;
  if (quad >= params.quads || column >= params.columns || quad_weights(quad)[m % 4u] == 0.0) {
    return;
  }
  let at = (state * params.rows + quad_row(quad) + m % 4u) * params.columns + column;
#if wide
  S[at / 4u] = value;
#else
#repeat i 4
  if (column + $iu < params.columns) {
    S[at + $iu] = value[$i];
  }
#end
#endif
}

fn store_z(state: u32, thread: u32) {
  parts_of_z[thread] = z;
  workgroupBarrier();
  let quad = first_quad + thread;
  if (thread >= tile_m / 4u || quad >= params.quads || first_column != 0u) {
    return;
  }
  var sum = vec4<f32>();
  for (var i = thread; i < loaders; i += tile_m / 4u) {
    sum += parts_of_z[i];
  }
#if scale
  sum /= boost;
#endif
  let weights = quad_weights(quad);
#repeat i 4
  if (weights[$i] != 0.0) {
    Z[state * params.rows + quad_row(quad) + $iu] = sum[$i];
  }
#end
}

@compute @workgroup_size(threads)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = group_of(workgroup, workgroups);
  if (group >= params.groups) {
    return;
  }
  let tiles = (params.quads * 4u + tile_m - 1u) / tile_m;
  let columns = (params.columns + tile_n - 1u) / tile_n;
  first_quad = group % tiles * (tile_m / 4u);
  first_column = group / tiles % columns * tile_n;
  let state = group / (tiles * columns);
  let states = params.heads / params.shared_by;
  let begin = state / states % params.chunks * params.chunk;
  let batch = state / (states * params.chunks);
  let tokens = min(params.chunk, params.length - begin);
  count = tokens;
  let head = state % states * params.shared_by;
  for (var h = head; h < head + params.shared_by; h++) {
    first_row = (batch * params.length + begin) * params.heads + h;
    shown = first_shown(first_row, begin, tokens);
    multiply(thread, 0u, tokens);
  }
#repeat i results
  store(state, result_row(thread, $iu), result_column(thread, $iu), result($iu));
#end
  store_z(state, thread);
}
