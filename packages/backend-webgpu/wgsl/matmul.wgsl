// y = a·b (+ bias) (+ y), one tile of y per workgroup; a and b may be transposed, and b shared by the batch. Where y has few
// tiles, k is split among workgroups, and y is one part after the other.
#import grid
#import tile
override transpose_a: bool = false;
override transpose_b: bool = false;
// Rows of a, b and y are whole vectors of four.
override wide: bool = false;
// Workgroups that take neighbouring rows of tiles before they go to the next columns, so that both operands stay in the cache.
override band: u32 = 8;
struct Params {
  m: u32,
  n: u32,
  k: u32,
  b_stride: u32,
  k_per_part: u32,
  y_stride: u32,
  accumulate: u32,
  groups: u32,
}
var<uniform> params: Params;
#if wide
alias Stored = vec4<f32>;
#else
alias Stored = f32;
#endif
var<storage, read> a: array<Stored>;
var<storage, read> b: array<Stored>;
#if bias
var<storage, read> bias: array<Stored>;
#endif
var<storage, read_write> y: array<Stored>;
var<private> a_offset: u32;
var<private> b_offset: u32;
var<private> first_row: u32;
var<private> first_column: u32;

// Four numbers of a row of `width` that begins at `row`·width, from `column` on; 0 beyond its end.
fn a_row(row: u32, column: u32, rows: u32, width: u32) -> vec4<f32> {
  if (row >= rows || column >= width) {
    return vec4<f32>();
  }
  let at = a_offset + row * width + column;
#if wide
  return a[at / 4u];
#else
  var four = vec4<f32>(a[at], 0, 0, 0);
#repeat j 4
  if (column + $ju < width) {
    four[$j] = a[at + $ju];
  }
#end
  return four;
#endif
}

fn b_row(row: u32, column: u32, rows: u32, width: u32) -> vec4<f32> {
  if (row >= rows || column >= width) {
    return vec4<f32>();
  }
  let at = b_offset + row * width + column;
#if wide
  return b[at / 4u];
#else
  var four = vec4<f32>(b[at], 0, 0, 0);
#repeat j 4
  if (column + $ju < width) {
    four[$j] = b[at + $ju];
  }
#end
  return four;
#endif
}

fn fetch_a(m: u32, k: u32) -> mat4x4<f32> {
  let row = first_row + m;
  if (transpose_a) {
    return mat4x4<f32>(
#repeat j 4
      a_row(k + $ju, row, params.k, params.m),
#end
    );
  }
  return transpose(mat4x4<f32>(
#repeat j 4
    a_row(row + $ju, k, params.m, params.k),
#end
  ));
}

fn fetch_b(n: u32, k: u32) -> mat4x4<f32> {
  let column = first_column + n;
  if (transpose_b) {
    return transpose(mat4x4<f32>(
#repeat j 4
      b_row(column + $ju, k, params.n, params.k),
#end
    ));
  }
  return mat4x4<f32>(
#repeat j 4
    b_row(k + $ju, column, params.k, params.n),
#end
  );
}

fn block_a(m: u32, k: u32, fetched: mat4x4<f32>) -> mat4x4<f32> {
  return fetched;
}

fn block_b(n: u32, k: u32, fetched: mat4x4<f32>) -> mat4x4<f32> {
  return fetched;
}

fn store(offset: u32, row: u32, column: u32, value: vec4<f32>) {
  if (row >= params.m || column >= params.n) {
    return;
  }
  let at = offset + row * params.n + column;
#if wide
  var sum = value;
#if bias
  sum += bias[column / 4u];
#endif
  if (params.accumulate != 0u) {
    sum += y[at / 4u];
  }
  y[at / 4u] = sum;
#else
#repeat j 4
  if (column + $ju < params.n) {
    var sum = value[$j];
#if bias
    sum += bias[column + $ju];
#endif
    if (params.accumulate != 0u) {
      sum += y[at + $ju];
    }
    y[at + $ju] = sum;
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
  let rows = (params.m + tile_m - 1u) / tile_m;
  let columns = (params.n + tile_n - 1u) / tile_n;
  let tile = group % (rows * columns);
  let parts = max(1u, (params.k + params.k_per_part - 1u) / params.k_per_part);
  let part = group / (rows * columns) % parts;
  let batch = group / (rows * columns * parts);
  let first = tile / (band * columns) * band;
  let height = min(band, rows - first);
  first_row = (first + tile % (band * columns) % height) * tile_m;
  first_column = (tile % (band * columns) / height) * tile_n;
  a_offset = batch * params.m * params.k;
  b_offset = batch * params.b_stride;
  multiply(thread, part * params.k_per_part, min(params.k, (part + 1u) * params.k_per_part));
  let y_offset = part * params.y_stride + batch * params.m * params.n;
#repeat i results
  store(y_offset, first_row + result_row(thread, $iu), first_column + result_column(thread, $iu), result($iu));
#end
}
