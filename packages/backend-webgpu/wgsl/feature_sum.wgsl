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
var<private> own_weights: vec4<f32>;
var<private> own_last: u32;
var<private> own_prefix: array<u32, max(1u, prefix)>;
var<private> state: u32;
var<private> first_quad: u32;
var<private> first_column: u32;
// Row of x and v for the first token of the chunk, and the tokens.
var<private> first_row: u32;
var<private> count: u32;
// The first token of the chunk that counts.
var<private> shown: u32;

// Of four tokens: their shares in the quad's prefix and their fours of last coordinates; what each counts.
struct FetchedA {
  prefix: vec4<f32>,
  last: mat4x4<f32>,
#if scale
  shares: vec4<f32>,
#endif
}

struct FetchedB {
  values: mat4x4<f32>,
#if scale
  factors: vec4<f32>,
#endif
}

// The quad that this thread makes blocks of, throughout.
fn take_quad(thread: u32) {
  let quad = first_quad + thread % (tile_m / 4u);
  own_weights = vec4<f32>();
  if (quad < params.quads) {
    own_weights = quad_weights(quad);
    own_last = quad_last(quad) / 4u;
#repeat r prefix
    own_prefix[$r] = quad_prefix(quad, $ru);
#end
  }
}

fn fetch_a(m: u32, k: u32) -> FetchedA {
  var fetched = FetchedA();
#repeat j 4
  let row$j = first_row + min(k + $ju, count - 1u) * params.heads;
  fetched.last[$j] = x[row$j * params.vectors + own_last];
  fetched.prefix[$j] = 1.0;
#repeat r prefix
  fetched.prefix[$j] *= x[row$j * params.vectors + own_prefix[$r] / 4u][own_prefix[$r] % 4u];
#end
#if scale
  fetched.shares[$j] = weight[row$j];
#endif
#end
  return fetched;
}

fn block_a(m: u32, k: u32, fetched: FetchedA) -> mat4x4<f32> {
  var block = mat4x4<f32>();
#repeat j 4
  if (k + $ju < count) {
    block[$j] = own_weights * fetched.prefix[$j] * fetched.last[$j];
#if scale
    z += block[$j] * fetched.shares[$j];
#else
    z += block[$j];
#endif
  }
#end
  return block;
}

fn fetch_b(n: u32, k: u32) -> FetchedB {
  var fetched = FetchedB();
  let column = first_column + n;
  if (column >= params.columns) {
    return fetched;
  }
#repeat j 4
  if (k + $ju >= shown && k + $ju < count) {
    let row = first_row + (k + $ju) * params.heads;
    let at = row * params.columns + column;
#if wide
    fetched.values[$j] = v[at / 4u];
#else
    fetched.values[$j][0] = v[at];
#repeat i 3
    if (column + $iu + 1u < params.columns) {
      fetched.values[$j][$i + 1] = v[at + $iu + 1u];
    }
#end
#endif
#if scale
    fetched.factors[$j] = scale[row];
#endif
  }
#end
  return fetched;
}

fn block_b(n: u32, k: u32, fetched: FetchedB) -> mat4x4<f32> {
#if scale
  var block = fetched.values;
#repeat j 4
  block[$j] = select(block[$j] * fetched.factors[$j], vec4<f32>(), fetched.factors[$j] == 0.0);
#end
  return block;
#else
  return fetched.values;
#endif
}

fn use_result(m: u32, n: u32, boosted: vec4<f32>) {
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

fn store_z(thread: u32) {
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
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, place: Place) {
  let thread = thread_at(place);
  let group = group_of(workgroup, workgroups);
  if (group >= params.groups) {
    return;
  }
  let tiles = (params.quads * 4u + tile_m - 1u) / tile_m;
  let columns = (params.columns + tile_n - 1u) / tile_n;
  first_quad = group % tiles * (tile_m / 4u);
  first_column = group / tiles % columns * tile_n;
  let own = group / (tiles * columns);
  state = own;
  let states = params.heads / params.shared_by;
  let begin = own / states % params.chunks * params.chunk;
  let batch = own / (states * params.chunks);
  let tokens = min(params.chunk, params.length - begin);
  count = tokens;
  let head = own % states * params.shared_by;
  take_quad(thread);
#put sums
  for (var h = head; h < head + params.shared_by; h++) {
    first_row = (batch * params.length + begin) * params.heads + h;
    shown = first_shown(first_row, begin, tokens);
    let steps = tokens;
#put multiply
  }
#put results
  store_z(thread);
}
