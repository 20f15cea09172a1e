// The gradient of x from that of φ(x), which is dφ = rows·Sᵀ + Z for every token and head: tiles of dφ are made by the product,
// and a thread per token takes each through the Jacobian of φ. With `scale` and `weight`, a number per token and head, it is
// dφ = scale·rows·Sᵀ + weight·Z.
//
// A file for the slot `jacobian` says which features make a tile: `weights_of` and `row_of` of the four from column n on, the
// weights 0 where there are none. Its `contract` goes through all tiles, part by part, and takes them to dx.
#import grid
#import jacobian
#import tile
#import gradient_operands
// Numbers of x, with what pads them to whole vectors.
override width: u32 = 64;
// [B, n, heads, width, padded tokens]
var<storage, read> x: array<f32>;
// As x.
var<storage, read_write> dx: array<f32>;

// Parts in which a tile of dφ is handed on.
override parts: u32 = 1;
const part_n = tile_n / parts;
// Four features of a token together; a column more than tokens keeps threads off each other's banks.
const stride = tile_m + 1u;
var<workgroup> gradients: array<vec4<f32>, (part_n / 4u) * stride>;
var<workgroup> tile_weights: array<vec4<f32>, tile_n / 4u>;
var<workgroup> tile_Z: array<vec4<f32>, tile_n / 4u>;
#if scale
var<workgroup> tile_scale: array<vec4<f32>, tile_m / 4u>;
#endif
// Of this thread's token.
var<private> share: f32;

fn fetch_a(m: u32, k: u32) -> mat4x4<f32> {
  var block = mat4x4<f32>();
  if (k < params.columns) {
#repeat j 4
    block[$j] = four_of(row_of_token(m + $ju) * params.columns + k, k, false);
#end
#if scale
    let scales = tile_scale[m / 4u];
#repeat j 4
    block[$j] *= scales[$j];
#end
#endif
  }
  return transpose(block);
}

fn fetch_b(n: u32, k: u32) -> mat4x4<f32> {
  var block = mat4x4<f32>();
  if (k < params.columns) {
    let row = row_of(n);
#repeat j 4
    block[$j] = four_of((first_state + min(row + $ju, params.rows - 1u)) * params.columns + k, k, true);
#end
  }
  return transpose(block);
}

fn block_a(m: u32, k: u32, fetched: mat4x4<f32>) -> mat4x4<f32> {
  return fetched;
}

fn block_b(n: u32, k: u32, fetched: mat4x4<f32>) -> mat4x4<f32> {
  return fetched;
}

// Before a tile: what its features weigh, and their Z.
fn put_features(thread: u32) {
  for (var quad = thread; quad < tile_n / 4u; quad += threads) {
    tile_weights[quad] = weights_of(4u * quad);
    let row = row_of(4u * quad);
#repeat j 4
    tile_Z[quad][$j] = Z[first_state + min(row + $ju, params.rows - 1u)];
#end
  }
}

// One part of the tile's results to where the threads of their tokens see them.
fn put_results(thread: u32, part: u32) {
#repeat i results
  if (result_part($iu) == part) {
    gradients[(result_column(thread, $iu) % part_n) / 4u * stride + result_row(thread, $iu)] = result($iu);
  }
#end
}

// dφ of a quad of the part, by the monomials of x, not by φ's entries.
fn gradient_of(part: u32, quad: u32, token: u32) -> vec4<f32> {
  let weights = tile_weights[part * part_n / 4u + quad];
  let value = gradients[quad * stride + token] + share * tile_Z[part * part_n / 4u + quad];
  return select(value * weights, vec4<f32>(), weights == vec4<f32>());
}

@compute @workgroup_size(threads)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, place: Place) {
  let thread = thread_at(place);
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
  share = 1.0;
#if scale
  if (mine) {
    share = weight[row_of_token(thread)];
  }
  for (var i = thread; i < tile_m; i += threads) {
    tile_scale[i / 4u][i % 4u] = scale[row_of_token(i)];
  }
  workgroupBarrier();
#endif
  contract(thread, at, mine);
}
