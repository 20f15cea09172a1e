// The gradient of x from that of φ(x) of power 2 as one product, for tiles that multiply much faster than a thread can take a tile of
// dφ through the Jacobian. With dφ = scale·rows·Sᵀ + weight·Z, both being linear,
//   dx_i = Σ_j Σ_c (scale·x_j·rows_c)·(∂_ij·S_ij,c) + Σ_j (weight·x_j)·(∂_ij·Z_ij),
// where S_ij is the row of the pair of i and j, and ∂_ij is √2, or 2 for i = j. Steps of the product are (j, c), c fastest, then
// those of Z.
#import grid
#import gradient_operands
#import tile
override d: u32 = 64;
// Numbers of x, with what pads them to whole vectors.
override width: u32 = 64;
// Columns of a row, with what pads them to whole vectors.
override span: u32 = 64;
// [B, n, heads, width, padded tokens]
var<storage, read> x: array<vec4<f32>>;
var<storage, read_write> dx: array<f32>;

#if scale
var<workgroup> tile_scale: array<vec4<f32>, tile_m / 4u>;
var<workgroup> tile_weight: array<vec4<f32>, tile_m / 4u>;
#endif
// Where x of the chunk begins.
var<private> first_x: u32;
var<private> first_i: u32;
var<private> part: u32;

fn pair_row(i: u32, j: u32) -> u32 {
  let first = min(i, j);
  return first_state + first * (2u * d - first - 1u) / 2u + max(i, j);
}

// x_j of four tokens.
fn x_of(token: u32, j: u32) -> vec4<f32> {
  return x[first_x + (j * params.padded + token) / 4u];
}

// Rows of four tokens and what they are multiplied by; or four x of each, for the steps of Z.
struct FetchedA {
  factors: vec4<f32>,
  rows: mat4x4<f32>,
}

struct FetchedB {
  block: mat4x4<f32>,
}

fn fetch_a(m: u32, k: u32) -> FetchedA {
  var fetched = FetchedA();
  let token = first_token + m;
  if (token >= params.padded || k >= width * (span + 1u)) {
    return fetched;
  }
  if (k < width * span) {
    let c = k % span;
    fetched.factors = x_of(token, k / span);
#repeat j 4
    fetched.rows[$j] = four_of(row_of_token(m + $ju) * params.columns + c, c, false);
#end
    return fetched;
  }
#repeat j 4
  fetched.rows[$j] = x_of(token, k - width * span + $ju);
#end
  return fetched;
}

fn block_a(m: u32, k: u32, fetched: FetchedA) -> mat4x4<f32> {
  var block = fetched.rows;
  if (k < width * span) {
#if scale
    let factors = fetched.factors * tile_scale[m / 4u];
#else
    let factors = fetched.factors;
#endif
#repeat j 4
    block[$j] *= factors[$j];
#end
    return transpose(block);
  }
#if scale
#repeat j 4
  block[$j] *= tile_weight[m / 4u];
#end
#endif
  return block;
}

#if bounded
// The largest x times the largest of what it is multiplied by.
fn bound_of_a(thread: u32) -> vec2<f32> {
  var sizes = vec2<f32>(0.0, 1.0);
#if scale
  sizes.y = 0.0;
#endif
  for (var i = thread; i < width / 4u * tile_m; i += threads) {
    let m = i % (tile_m / 4u) * 4u;
    if (first_token + m < params.padded) {
      let four = x_of(first_token + m, i / (tile_m / 4u));
      sizes.x = larger(sizes.x, select(vec4<f32>(), four, finite(four)));
    }
  }
  for (var i = thread; i < span / 4u * tile_m; i += threads) {
    let m = i / (span / 4u);
    let c = i % (span / 4u) * 4u;
#if scale
    let four = four_of(row_of_token(m) * params.columns + c, c, false) * tile_scale[m / 4u][m % 4u];
    let shares = vec4<f32>(tile_weight[m / 4u][m % 4u]);
    sizes.y = larger(sizes.y, select(vec4<f32>(), shares, finite(shares)));
#else
    let four = four_of(row_of_token(m) * params.columns + c, c, false);
#endif
    sizes.y = larger(sizes.y, select(vec4<f32>(), four, finite(four)));
  }
  return sizes;
}
#endif

fn fetch_b(n: u32, k: u32) -> FetchedB {
  var fetched = FetchedB();
  let i = first_i + n;
  if (k < width * span) {
    let j = k / span;
    let c = k % span;
    if (j < d) {
#repeat r 4
      if (i + $ru < d) {
        fetched.block[$r] = four_of(pair_row(i + $ru, j) * params.columns + c, c, true);
      }
#end
    }
    return fetched;
  }
  let first_j = k - width * span;
#repeat j 4
#repeat r 4
  if (first_j + $ju < d && i + $ru < d) {
    fetched.block[$j][$r] = Z[pair_row(i + $ru, first_j + $ju)];
  }
#end
#end
  return fetched;
}

fn block_b(n: u32, k: u32, fetched: FetchedB) -> mat4x4<f32> {
  var block = fetched.block;
  let i = vec4<u32>(first_i + n) + vec4<u32>(0u, 1u, 2u, 3u);
  if (k < width * span) {
    let slopes = select(vec4<f32>(1.4142135), vec4<f32>(2.0), i == vec4<u32>(k / span));
#repeat r 4
    block[$r] *= slopes[$r];
#end
    return transpose(block);
  }
#repeat j 4
  block[$j] *= select(vec4<f32>(1.4142135), vec4<f32>(2.0), i == vec4<u32>(k - width * span + $ju));
#end
  return block;
}

fn use_result(m: u32, n: u32, value: vec4<f32>) {
  let token = first_token + m;
  let i = first_i + n;
  if (token < count && i < width) {
#repeat j 4
    dx[(part * width + i + $ju) * params.padded + token] = value[$j];
#end
  }
}

@compute @workgroup_size(threads)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, place: Place) {
  let thread = thread_at(place);
  let group = group_of(workgroup, workgroups);
  if (group >= params.groups) {
    return;
  }
  let tiles = (params.chunk + tile_m - 1u) / tile_m;
  let columns = (width + tile_n - 1u) / tile_n;
  first_token = group % tiles * tile_m;
  first_i = group / tiles % columns * tile_n;
  part = group / (tiles * columns);
  let begin = part / params.heads % params.chunks * params.chunk;
  let batch = part / (params.heads * params.chunks);
  count = min(params.chunk, params.length - begin);
  first_row = (batch * params.length + begin) * params.heads + part % params.heads;
  first_state = part / params.shared_by * params.rows;
  first_x = part * width * (params.padded / 4u);
#if scale
  for (var i = thread; i < tile_m; i += threads) {
    tile_scale[i / 4u][i % 4u] = scale[row_of_token(i)];
    tile_weight[i / 4u][i % 4u] = weight[row_of_token(i)];
  }
  workgroupBarrier();
#endif
  let steps = width * (span + 1u);
#put sums
#put multiply
#put results
}
