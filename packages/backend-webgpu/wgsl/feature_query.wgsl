// y = φ(x)ᵀS for every token and head, from the state of its chunk; one tile of y per workgroup, φ is made as the product
// loads it. With `terms`, y and `total` are what is left when the attention inside the chunk (num, and its shares in `terms`)
// is added and the sum divided out.
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
  normalized: u32,
  gate_width: u32,
  groups: u32,
}
var<uniform> params: Params;
#if wide
alias Stored = vec4<f32>;
#else
alias Stored = f32;
#endif
// [B, n, heads, 4·vectors, padded tokens]
var<storage, read> x: array<vec4<f32>>;
var<storage, read> S: array<Stored>;
#if terms
var<storage, read> Z: array<f32>;
var<storage, read> num: array<Stored>;
// [B, T, heads]: the factor of num, den times that factor, the factor of both without a normalizer, and that of the answer.
var<storage, read> terms: array<vec4<f32>>;
var<storage, read_write> total: array<f32>;
var<workgroup> parts_of_den: array<vec4<f32>, threads>;
var<workgroup> scales: array<vec2<f32>, tile_m>;
var<private> den: vec4<f32>;
#endif
#import chunk_start
var<storage, read_write> y: array<Stored>;

var<private> first_token: u32;
var<private> first_column: u32;
// Tokens of the chunk, the first one whose answer is not 0, and the row of the chunk's first.
var<private> tokens: u32;
var<private> shown: u32;
var<private> first_row: u32;
// Where x of the chunk begins, and row 0 of its state.
var<private> first_x: u32;
var<private> first_state: u32;

// A quad of four tokens: its prefix, its last coordinates, what they weigh, and their shares in the sum.
struct FetchedA {
  prefix: vec4<f32>,
  last: mat4x4<f32>,
  weights: vec4<f32>,
#if terms
  sums: vec4<f32>,
#endif
}

struct FetchedB {
  block: mat4x4<f32>,
}

fn fetch_a(m: u32, k: u32) -> FetchedA {
  var fetched = FetchedA();
  let quad = k / 4u;
  let token = first_token + m;
  if (quad >= params.quads || token >= params.padded) {
    return fetched;
  }
  let stride = params.padded / 4u;
  let at = first_x + token / 4u;
  fetched.prefix = vec4<f32>(1.0);
#repeat r prefix
  fetched.prefix *= x[at + quad_prefix(quad, $ru) * stride];
#end
  fetched.weights = quad_weights(quad);
  let last = at + quad_last(quad) * stride;
#if terms
  let row = first_state + quad_row(quad);
#endif
#repeat j 4
  fetched.last[$j] = x[last + $ju * stride];
#if terms
  if (fetched.weights[$j] != 0.0) {
    fetched.sums[$j] = Z[row + $ju];
  }
#endif
#end
  return fetched;
}

fn block_a(m: u32, k: u32, fetched: FetchedA) -> mat4x4<f32> {
  var block = mat4x4<f32>();
#repeat j 4
  block[$j] = fetched.weights[$j] * fetched.prefix * fetched.last[$j];
#if terms
  if (fetched.weights[$j] != 0.0) {
    den += block[$j] * fetched.sums[$j];
  }
#endif
#end
  return block;
}

#if bounded
// φ is no larger than the power of the largest coordinate times its weight, √p! at most.
fn bound_of_a(thread: u32) -> vec2<f32> {
  var size = 0.0;
  for (var i = thread; i < params.vectors * tile_m; i += threads) {
    let token = first_token + i % (tile_m / 4u) * 4u;
    if (token < params.padded) {
      let four = x[first_x + (i / (tile_m / 4u) * params.padded + token) / 4u];
      size = larger(size, select(vec4<f32>(), four, finite(four)));
    }
  }
  var bound = size;
#repeat r prefix
  bound *= size * sqrt($r.0 + 2.0);
#end
  return vec2<f32>(bound, 1.0);
}
#endif

fn fetch_b(n: u32, k: u32) -> FetchedB {
  var fetched = FetchedB();
  let quad = k / 4u;
  let column = first_column + n;
  if (quad >= params.quads || column >= params.columns) {
    return fetched;
  }
  let weights = quad_weights(quad);
  let row = first_state + quad_row(quad);
#repeat j 4
  if (weights[$j] != 0.0) {
    let at = (row + $ju) * params.columns + column;
#if wide
    fetched.block[$j] = S[at / 4u];
#else
    fetched.block[$j][0] = S[at];
#repeat i 3
    if (column + $iu + 1u < params.columns) {
      fetched.block[$j][$i + 1] = S[at + $iu + 1u];
    }
#end
#endif
  }
#end
  return fetched;
}

fn block_b(n: u32, k: u32, fetched: FetchedB) -> mat4x4<f32> {
  return fetched.block;
}

#if terms
// The factors of num and of the whole for each token of the tile.
fn join(thread: u32) {
  parts_of_den[thread] = den;
  workgroupBarrier();
  for (var m = thread; m < tile_m; m += threads) {
    let token = first_token + m;
    if (token < tokens) {
      let row = first_row + token * params.heads;
      let term = terms[row];
      var answer = 0.0;
      for (var i = m / 4u; i < loaders; i += tile_m / 4u) {
        answer += parts_of_den[i][m % 4u];
      }
      let sum = term.y + select(term.w * answer, 0.0, term.w == 0.0);
      var scale = term.z;
      if (params.normalized != 0u) {
        scale = select(1.0 / sum, 0.0, sum == 0.0);
      }
      scales[m] = vec2<f32>(term.x, term.w) * scale;
      if (first_column == 0u) {
        total[row] = sum;
      }
    }
  }
  workgroupBarrier();
}
#endif

fn use_result(m: u32, n: u32, result: vec4<f32>) {
  let token = first_token + m;
  let column = first_column + n;
  if (token >= tokens || column >= params.columns) {
    return;
  }
  let row = first_row + token * params.heads;
  let value = select(result, vec4<f32>(), token < shown);
  let at = row * params.columns + column;
#if wide
#if terms
  y[at / 4u] = num[at / 4u] * scales[m].x + select(value * scales[m].y, vec4<f32>(), scales[m].y == 0.0);
#else
  y[at / 4u] = value;
#endif
#else
#repeat i 4
  if (column + $iu < params.columns) {
#if terms
    y[at + $iu] = num[at + $iu] * scales[m].x + select(value[$i] * scales[m].y, 0.0, scales[m].y == 0.0);
#else
    y[at + $iu] = value[$i];
#endif
  }
#end
#endif
}

@compute @workgroup_size(threads)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, place: Place) {
  let thread = thread_at(place);
  let group = group_of(workgroup, workgroups);
  if (group >= params.groups) {
    return;
  }
  let tiles = (params.chunk + tile_m - 1u) / tile_m;
  let columns = (params.columns + tile_n - 1u) / tile_n;
  first_token = group % tiles * tile_m;
  first_column = group / tiles % columns * tile_n;
  let part = group / (tiles * columns);
  let head = part % params.heads;
  let begin = part / params.heads % params.chunks * params.chunk;
  let batch = part / (params.heads * params.chunks);
  tokens = min(params.chunk, params.length - begin);
  first_x = part * params.vectors * params.padded;
  first_state = part / params.shared_by * params.rows;
  first_row = (batch * params.length + begin) * params.heads + head;
  shown = first_shown(first_row, begin, tokens);
  let steps = params.quads * 4u;
#put sums
#put multiply
#if terms
  join(thread);
#endif
#put results
}
