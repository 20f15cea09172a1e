// The gradient of x from that of φ(x), which is dφ = rows·Sᵀ + Z for every token and head: tiles of dφ are made by the product,
// and a thread per token takes each through the Jacobian of φ. With `scale` and `weight`, a number per token and head, it is
// dφ = scale·rows·Sᵀ + weight·Z.
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
  padded: u32,
  groups: u32,
}
var<uniform> params: Params;
#if wide
alias Stored = vec4<f32>;
#else
alias Stored = f32;
#endif
// Numbers of x, with what pads them to whole vectors.
override width: u32 = 64;
// [B, n, heads, width, padded tokens]
var<storage, read> x: array<f32>;
// [B, T, heads, columns]
var<storage, read> values: array<Stored>;
#if scale
var<storage, read> scale: array<f32>;
var<storage, read> weight: array<f32>;
#endif
var<storage, read> S: array<Stored>;
var<storage, read> Z: array<f32>;
// As x.
var<storage, read_write> dx: array<f32>;

// A tile of dφ, four features of a token together; a column more than tokens keeps threads off each other's banks.
const stride = tile_m + 1u;
var<workgroup> gradients: array<vec4<f32>, (tile_n / 4u) * stride>;
var<private> sum: array<f32, width>;
var<private> first_token: u32;
var<private> first_quad: u32;
// Tokens of the chunk, its first row of values, and row 0 of its state.
var<private> count: u32;
var<private> first_row: u32;
var<private> first_state: u32;

fn four_of(at: u32, column: u32, tensor_is_state: bool) -> vec4<f32> {
  var four = vec4<f32>();
#if wide
  if (tensor_is_state) {
    return S[at / 4u];
  }
  return values[at / 4u];
#else
#repeat i 4
  if (column + $iu < params.columns) {
    if (tensor_is_state) {
      four[$i] = S[at + $iu];
    } else {
      four[$i] = values[at + $iu];
    }
  }
#end
  return four;
#endif
}

fn load_a(m: u32, k: u32) -> mat4x4<f32> {
  var block = mat4x4<f32>();
#repeat j 4
  if (first_token + m + $ju < count && k < params.columns) {
    let row = first_row + (first_token + m + $ju) * params.heads;
    block[$j] = four_of(row * params.columns + k, k, false);
#if scale
    block[$j] *= scale[row];
#endif
  }
#end
  return transpose(block);
}

fn load_b(n: u32, k: u32) -> mat4x4<f32> {
  var block = mat4x4<f32>();
  let quad = first_quad + n / 4u;
  if (quad < params.quads && k < params.columns) {
    let weights = quad_weights(quad);
    let row = first_state + quad_row(quad);
#repeat j 4
    if (weights[$j] != 0.0) {
      block[$j] = four_of((row + $ju) * params.columns + k, k, true);
    }
#end
  }
  return transpose(block);
}

// Results of the tile, with Z, to where all threads see them.
fn stage(m: u32, n: u32, value: vec4<f32>) {
  var gradient = value;
  let quad = first_quad + n / 4u;
  let token = first_token + m;
  if (quad < params.quads && token < count) {
    let weights = quad_weights(quad);
    let row = first_state + quad_row(quad);
    var share = 1.0;
#if scale
    share = weight[first_row + token * params.heads];
#endif
#repeat j 4
    if (weights[$j] != 0.0) {
      gradient[$j] += share * Z[row + $ju];
    }
#end
    gradient *= weights;
  }
  gradients[(n / 4u) * stride + m] = gradient;
}

// ∂φ/∂x, transposed, times one tile of dφ, for the token of this thread; x of the token begins at `at`.
fn contract(m: u32, at: u32) {
  let quads_here = min(tile_n / 4u, params.quads - first_quad);
  for (var i = 0u; i < quads_here; i++) {
    let quad = first_quad + i;
    let gradient = gradients[i * stride + m];
    let last = quad_last(quad);
    var monomial = 1.0;
    var along = 0.0;
#repeat j 4
    along += gradient[$j] * x[at + (last + $ju) * params.padded];
#end
#repeat r prefix
    let i$r = quad_prefix(quad, $ru);
    let x$r = x[at + i$r * params.padded];
    monomial *= x$r;
#end
#repeat j 4
    sum[last + $ju] += gradient[$j] * monomial;
#end
#repeat r prefix
    var others$r = along;
#repeat s prefix
    if ($r != $s) {
      others$r *= x$s;
    }
#end
    sum[i$r] += others$r;
#end
  }
}

@compute @workgroup_size(threads)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = group_of(workgroup, workgroups);
  if (group >= params.groups) {
    return;
  }
  let tiles = (params.chunk + tile_m - 1u) / tile_m;
  first_token = group % tiles * tile_m;
  let part = group / tiles;
  let begin = part / params.heads % params.chunks * params.chunk;
  let batch = part / (params.heads * params.chunks);
  count = min(params.chunk, params.length - begin);
  first_row = (batch * params.length + begin) * params.heads + part % params.heads;
  first_state = part / params.shared_by * params.rows;
  let at = part * width * params.padded + first_token + thread;
  let mine = thread < tile_m && first_token + thread < count;
  for (var quad = 0u; quad < params.quads; quad += tile_n / 4u) {
    first_quad = quad;
    clear_results();
    multiply(thread, 0u, params.columns);
#repeat i results
    stage(result_row(thread, $iu), result_column(thread, $iu), result($iu));
#end
    workgroupBarrier();
    if (mine) {
      contract(thread, at);
    }
    workgroupBarrier();
  }
  if (mine) {
    for (var i = 0u; i < width; i++) {
      dx[at + i * params.padded] = sum[i];
    }
  }
}
