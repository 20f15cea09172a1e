// y = a·b (+ bias) (+ y) on matrix units, one tile of y per workgroup: operands in float16, sums in float32. Rows of a, b and y
// are whole vectors of four. Where y has few tiles, k is split among workgroups, and y is one part after the other.
//
// With `split` an operand is the sum of two halves and a product is three, which leaves float32 but its last two bits.
//
// Operands are scaled by powers of two so that they fit: every slice says how large it is before it goes into the panels, and
// sums follow where a later slice needs another scale. What is not finite has no say, and comes out as it went in.
enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;
requires buffer_view;
diagnostic(off, chromium.subgroup_matrix_uniformity);
#import grid
#import matrix_numbers
override transpose_a: bool = false;
override transpose_b: bool = false;
override split: bool = false;
override tile_m: u32 = 128;
override tile_n: u32 = 128;
override tile_k: u32 = 32;
// Matrices of 16×16 sums that a subgroup holds along each side, and subgroups along each side.
override matrices_m: u32 = 4;
override matrices_n: u32 = 4;
override subgroups: u32 = 4;
override subgroups_n: u32 = 2;
// Vectors of four that a thread loads per slice.
override loads_a: u32 = 8;
override loads_b: u32 = 8;
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
var<storage, read> a: array<vec4<f32>>;
var<storage, read> b: array<vec4<f32>>;
#if bias
var<storage, read> bias: array<vec4<f32>>;
#endif
var<storage, read_write> y: array<vec4<f32>>;

const threads = 32u * subgroups;
// Panels hold rows as they lie in memory, padded so that neighbours do not meet in one bank.
const inner_a = select(tile_k, tile_m, transpose_a);
const inner_b = select(tile_n, tile_k, transpose_b);
const stride_a = inner_a + 8u;
const stride_b = inner_b + 8u;
const size_a = select(tile_m, tile_k, transpose_a) * stride_a;
const size_b = select(tile_k, tile_n, transpose_b) * stride_b;
const panels = select(1u, 2u, split);
var<workgroup> panel_a: buffer<2u * panels * size_a>;
var<workgroup> panel_b: buffer<2u * panels * size_b>;
// The largest numbers of the next slice of a and b, by subgroup.
var<workgroup> largest: array<vec2<f32>, subgroups>;
var<private> a_offset: u32;
var<private> b_offset: u32;
var<private> first_row: u32;
var<private> first_column: u32;

fn load_a(i: u32, k: u32, end: u32) -> vec4<f32> {
  let outer = i / (inner_a / 4u);
  let inner = i % (inner_a / 4u) * 4u;
#if transpose_a
  if (k + outer >= end || first_row + inner >= params.m) {
    return vec4<f32>();
  }
  return a[(a_offset + (k + outer) * params.m + first_row + inner) / 4u];
#else
  if (first_row + outer >= params.m || k + inner >= end) {
    return vec4<f32>();
  }
  return a[(a_offset + (first_row + outer) * params.k + k + inner) / 4u];
#endif
}

fn load_b(i: u32, k: u32, end: u32) -> vec4<f32> {
  let outer = i / (inner_b / 4u);
  let inner = i % (inner_b / 4u) * 4u;
#if transpose_b
  if (first_column + outer >= params.n || k + inner >= end) {
    return vec4<f32>();
  }
  return b[(b_offset + (first_column + outer) * params.k + k + inner) / 4u];
#else
  if (k + outer >= end || first_column + inner >= params.n) {
    return vec4<f32>();
  }
  return b[(b_offset + (k + outer) * params.n + first_column + inner) / 4u];
#endif
}

fn put_a(i: u32, x: vec4<f32>) {
  let panel = bufferView<array<vec4<f16>, panels * size_a / 4u>>(&panel_a, 0u);
  let at = (i / (inner_a / 4u) * stride_a) / 4u + i % (inner_a / 4u);
#if split
  panel[at] = vec4<f16>(upper(x));
  panel[at + size_a / 4u] = vec4<f16>(lower(x));
#else
  panel[at] = vec4<f16>(x);
#endif
}

fn put_b(i: u32, x: vec4<f32>) {
  let panel = bufferView<array<vec4<f16>, panels * size_b / 4u>>(&panel_b, 0u);
  let at = (i / (inner_b / 4u) * stride_b) / 4u + i % (inner_b / 4u);
#if split
  panel[at] = vec4<f16>(upper(x));
  panel[at + size_b / 4u] = vec4<f16>(lower(x));
#else
  panel[at] = vec4<f16>(x);
#endif
}

fn store(offset: u32, row: u32, column: u32, value: vec4<f32>) {
  if (row >= params.m || column >= params.n) {
    return;
  }
  let at = (offset + row * params.n + column) / 4u;
  var sum = value;
#if bias
  sum += bias[column / 4u];
#endif
  if (params.accumulate != 0u) {
    sum += y[at];
  }
  y[at] = sum;
}

@compute @workgroup_size(threads)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32, @builtin(subgroup_id) subgroup: u32, @builtin(subgroup_invocation_id) lane: u32) {
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
  let begin = part * params.k_per_part;
  let end = min(params.k, begin + params.k_per_part);
  let own_row = subgroup / subgroups_n * (16u * matrices_m);
  let own_column = subgroup % subgroups_n * (16u * matrices_n);
  let of_a = bufferView<array<f16, panels * size_a>>(&panel_a, 0u);
  let of_b = bufferView<array<f16, panels * size_b>>(&panel_b, 0u);
#repeat i matrices_m
#repeat j matrices_n
  var sum$i_$j: subgroup_matrix_result<f32, 16, 16>;
#end
#end
#repeat l loads_a
  var ahead_a$l = load_a(thread + $lu * threads, begin, end);
#end
#repeat l loads_b
  var ahead_b$l = load_b(thread + $lu * threads, begin, end);
#end
  var exponents = vec2<i32>(126);
  for (var k = begin; k < end; k += tile_k) {
    var size = vec2<f32>();
#repeat l loads_a
    size.x = larger(size.x, ahead_a$l);
#end
#repeat l loads_b
    size.y = larger(size.y, ahead_b$l);
#end
    if (any(bitcast<vec2<u32>>(size) >= vec2<u32>(0x7f800000u))) {
      size = vec2<f32>();
#repeat l loads_a
      size.x = larger(size.x, select(vec4<f32>(), ahead_a$l, finite(ahead_a$l)));
#end
#repeat l loads_b
      size.y = larger(size.y, select(vec4<f32>(), ahead_b$l, finite(ahead_b$l)));
#end
    }
    size = subgroupMax(size);
    if (lane == 0u) {
      largest[subgroup] = size;
    }
    workgroupBarrier();
#repeat s subgroups
    size = max(size, largest[$s]);
#end
    let next = vec2<i32>(fitted(exponents.x, size.x), fitted(exponents.y, size.y));
    if (any(next != exponents)) {
      let grown = next - exponents;
      let factor = select(0.0, power_of_two(grown.x + grown.y), grown.x + grown.y > -126);
#repeat i matrices_m
#repeat j matrices_n
      sum$i_$j = subgroupMatrixScalarMultiply(sum$i_$j, factor);
#end
#end
      exponents = next;
    }
    let scale = vec2<f32>(power_of_two(exponents.x), power_of_two(exponents.y));
#repeat l loads_a
    put_a(thread + $lu * threads, ahead_a$l * scale.x);
#end
#repeat l loads_b
    put_b(thread + $lu * threads, ahead_b$l * scale.y);
#end
    workgroupBarrier();
    if (k + tile_k < end) {
#repeat l loads_a
      ahead_a$l = load_a(thread + $lu * threads, k + tile_k, end);
#end
#repeat l loads_b
      ahead_b$l = load_b(thread + $lu * threads, k + tile_k, end);
#end
    }
    for (var step = 0u; step < tile_k; step += 16u) {
#repeat i matrices_m
#if transpose_a
      let a$i = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 16>, col_major>(of_a, step * stride_a + own_row + 16u * $iu, stride_a);
#else
      let a$i = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 16>, row_major>(of_a, (own_row + 16u * $iu) * stride_a + step, stride_a);
#endif
#end
#repeat j matrices_n
#if transpose_b
      let b$j = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, col_major>(of_b, (own_column + 16u * $ju) * stride_b + step, stride_b);
#else
      let b$j = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, row_major>(of_b, step * stride_b + own_column + 16u * $ju, stride_b);
#endif
#end
#if split
#repeat i matrices_m
#if transpose_a
      let low_a$i = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 16>, col_major>(of_a, size_a + step * stride_a + own_row + 16u * $iu, stride_a);
#else
      let low_a$i = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 16>, row_major>(of_a, size_a + (own_row + 16u * $iu) * stride_a + step, stride_a);
#endif
#end
#repeat j matrices_n
#if transpose_b
      let low_b$j = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, col_major>(of_b, size_b + (own_column + 16u * $ju) * stride_b + step, stride_b);
#else
      let low_b$j = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, row_major>(of_b, size_b + step * stride_b + own_column + 16u * $ju, stride_b);
#endif
#end
#repeat i matrices_m
#repeat j matrices_n
      sum$i_$j = subgroupMatrixMultiplyAccumulate(low_a$i, b$j, sum$i_$j);
      sum$i_$j = subgroupMatrixMultiplyAccumulate(a$i, low_b$j, sum$i_$j);
#end
#end
#endif
#repeat i matrices_m
#repeat j matrices_n
      sum$i_$j = subgroupMatrixMultiplyAccumulate(a$i, b$j, sum$i_$j);
#end
#end
    }
  }
  let y_offset = part * params.y_stride + batch * params.m * params.n;
  let back = vec2<f32>(power_of_two(-exponents.x), power_of_two(-exponents.y));
  // A matrix at a time through memory of the subgroup's own.
  let block = bufferView<array<f32, 256u * subgroups>>(&panel_a, 0u);
  let vectors = bufferView<array<vec4<f32>, 64u * subgroups>>(&panel_a, 0u);
  workgroupBarrier();
#repeat i matrices_m
#repeat j matrices_n
  subgroupMatrixStore<row_major>(block, 256u * subgroup, sum$i_$j, 16u);
  workgroupBarrier();
#repeat r 2
  store(y_offset, first_row + own_row + 16u * $iu + lane / 4u + 8u * $ru, first_column + own_column + 16u * $ju + lane % 4u * 4u, vectors[64u * subgroup + lane + 32u * $ru] * back.x * back.y);
#end
  workgroupBarrier();
#end
#end
}
