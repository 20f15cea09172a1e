// y = a·b (+ bias) (+ y) on matrix units, one tile of y per workgroup: operands in float16, sums in float32. Rows of a, b and y
// are whole vectors of four. Where y has few tiles, k is split among workgroups, and y is one part after the other.
//
// With `split` an operand is the sum of two halves and a product is three, which leaves float32 but its last two bits.
//
// Operands are scaled by powers of two so that they fit: the first slice says how large it is before it goes into the panels. Where a
// later one does not fit, sums are infinite or no numbers. What they are is stored the second time then, when every slice says how large it
// is, and sums follow where one needs another scale. What is not finite has no say, and comes out as it went in.
enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;
requires buffer_view;
diagnostic(off, chromium.subgroup_matrix_uniformity);
#import grid
#import matrix_numbers
#import matrix_operands
override transpose_a: bool = false;
override transpose_b: bool = false;
override split: bool = false;
override tile_m: u32 = 128;
override tile_n: u32 = 128;
override tile_k: u32 = 32;
// Matrices of 16×16 sums that a subgroup holds along m, pairs of them along n, and subgroups along each side.
override matrices_m: u32 = 4;
override pairs_n: u32 = 2;
override subgroups: u32 = 4;
override subgroups_n: u32 = 2;
// Vectors of four that a thread loads per slice.
override loads_a: u32 = 8;
override loads_b: u32 = 8;
// Whether two matrices of results go through memory at a time.
override paired: bool = false;
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
// Results on their way to lanes, of one matrix for each subgroup or of two. They have memory of their own type: Dawn makes a buffer with
// halves in it an array of 16-bit numbers, and a compiler may take what is stored there as float32 for something else.
const staged = select(1u, 2u, paired);
var<workgroup> results: array<f32, 256u * staged * subgroups>;
// The largest numbers of the next slice of a and b, by subgroup.
var<workgroup> largest: array<vec2<f32>, subgroups>;
// Whether a sum is not finite.
var<workgroup> exceeded: u32;
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
  let first_row = (first + tile % (band * columns) % height) * tile_m;
  let first_column = (tile % (band * columns) / height) * tile_n;
  let begin = part * params.k_per_part;
  let end = min(params.k, begin + params.k_per_part);
  let own_row = subgroup / subgroups_n * (16u * matrices_m);
  let own_column = subgroup % subgroups_n * (32u * pairs_n);
  let of_a = bufferView<array<f16, panels * size_a>>(&panel_a, 0u);
  let of_b = bufferView<array<f16, panels * size_b>>(&panel_b, 0u);
  // Vectors from one step of k to the next, and to the next slice; along k there are four steps in one.
#if transpose_a
  let stride_k_a = params.m / 4u;
  let start_a = begin * stride_k_a;
  let slice_a = tile_k * stride_k_a;
#else
  let start_a = begin / 4u;
  let slice_a = tile_k / 4u;
#endif
#if transpose_b
  let start_b = begin / 4u;
  let slice_b = tile_k / 4u;
#else
  let stride_k_b = params.n / 4u;
  let start_b = begin * stride_k_b;
  let slice_b = tile_k * stride_k_b;
#endif
#repeat l loads_a
  let place_a$l = start_a + place_a(batch * params.m * params.k, first_row, thread + $lu * threads);
#end
#repeat l loads_b
  let place_b$l = start_b + place_b(batch * params.b_stride, first_column, thread + $lu * threads);
#end
  let y_offset = part * params.y_stride + batch * params.m * params.n;
  // Which vectors of results are stored, a bit each.
  var stored = 0u;
  var again = true;
#repeat t 2
  if (again) {
    // Whether every slice says how large it is.
    let careful = $tu == 1u;
#repeat i matrices_m
#repeat j pairs_n
#repeat h 2
    var sum$i_$j_$h: subgroup_matrix_result<f32, 16, 16>;
#end
#end
#end
    var exponents = vec2<i32>(126);
    var at_a = 0u;
    var at_b = 0u;
#repeat l loads_a
    var ahead_a$l = vec4<f32>();
#end
#repeat l loads_b
    var ahead_b$l = vec4<f32>();
#end
      if (begin + tile_k <= end) {
#repeat l loads_a
        ahead_a$l = a[place_a$l + at_a];
#end
#repeat l loads_b
        ahead_b$l = b[place_b$l + at_b];
#end
      } else {
#repeat l loads_a
        ahead_a$l = vec4<f32>();
        if (begin + step_a(thread + $lu * threads) < end) {
          ahead_a$l = a[place_a$l + at_a];
        }
#end
#repeat l loads_b
        ahead_b$l = vec4<f32>();
        if (begin + step_b(thread + $lu * threads) < end) {
          ahead_b$l = b[place_b$l + at_b];
        }
#end
      }
    for (var k = begin; k < end; k += tile_k) {
      if (careful || k == begin) {
        var size = vec2<f32>();
#repeat l loads_a
        size.x = larger(size.x, select(vec4<f32>(), ahead_a$l, finite(ahead_a$l)));
#end
#repeat l loads_b
        size.y = larger(size.y, select(vec4<f32>(), ahead_b$l, finite(ahead_b$l)));
#end
        size = subgroupMax(size);
        if (lane == 0u) {
          largest[subgroup] = size;
        }
        workgroupBarrier();
#repeat s subgroups
        size = max(size, largest[$s]);
#end
        let fit = vec2<i32>(fitted(exponents.x, size.x), fitted(exponents.y, size.y));
        let grown = fit - exponents;
        if (any(grown != vec2<i32>())) {
          let factor = select(0.0, power_of_two(grown.x + grown.y), grown.x + grown.y > -126);
#repeat i matrices_m
#repeat j pairs_n
#repeat h 2
          sum$i_$j_$h = subgroupMatrixScalarMultiply(sum$i_$j_$h, factor);
#end
#end
#end
          exponents = fit;
        }
      }
      let scale = vec2<f32>(power_of_two(exponents.x), power_of_two(exponents.y));
      workgroupBarrier();
#repeat l loads_a
      put_a(thread + $lu * threads, ahead_a$l * scale.x);
#end
#repeat l loads_b
      put_b(thread + $lu * threads, ahead_b$l * scale.y);
#end
      workgroupBarrier();
      if (k + tile_k < end) {
        at_a += slice_a;
        at_b += slice_b;
      if (k + 2u * tile_k <= end) {
#repeat l loads_a
        ahead_a$l = a[place_a$l + at_a];
#end
#repeat l loads_b
        ahead_b$l = b[place_b$l + at_b];
#end
      } else {
#repeat l loads_a
        ahead_a$l = vec4<f32>();
        if (k + tile_k + step_a(thread + $lu * threads) < end) {
          ahead_a$l = a[place_a$l + at_a];
        }
#end
#repeat l loads_b
        ahead_b$l = vec4<f32>();
        if (k + tile_k + step_b(thread + $lu * threads) < end) {
          ahead_b$l = b[place_b$l + at_b];
        }
#end
      }
      }
        for (var step = 0u; step < tile_k; step += 16u) {
#repeat i matrices_m
#if transpose_a
          let a$i = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 16>, col_major>(of_a, step * stride_a + own_row + 16u * $iu, stride_a);
#else
          let a$i = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 16>, row_major>(of_a, (own_row + 16u * $iu) * stride_a + step, stride_a);
#endif
#end
#repeat j pairs_n
#repeat h 2
#if transpose_b
          let b$j_$h = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, col_major>(of_b, (own_column + 32u * $ju + 16u * $hu) * stride_b + step, stride_b);
#else
          let b$j_$h = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, row_major>(of_b, step * stride_b + own_column + 32u * $ju + 16u * $hu, stride_b);
#endif
#end
#end
#if split
#repeat i matrices_m
#if transpose_a
          let low_a$i = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 16>, col_major>(of_a, size_a + step * stride_a + own_row + 16u * $iu, stride_a);
#else
          let low_a$i = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 16>, row_major>(of_a, size_a + (own_row + 16u * $iu) * stride_a + step, stride_a);
#endif
#end
#repeat j pairs_n
#repeat h 2
#if transpose_b
          let low_b$j_$h = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, col_major>(of_b, size_b + (own_column + 32u * $ju + 16u * $hu) * stride_b + step, stride_b);
#else
          let low_b$j_$h = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, row_major>(of_b, size_b + step * stride_b + own_column + 32u * $ju + 16u * $hu, stride_b);
#endif
#end
#end
#repeat i matrices_m
#repeat j pairs_n
#repeat h 2
          sum$i_$j_$h = subgroupMatrixMultiplyAccumulate(low_a$i, b$j_$h, sum$i_$j_$h);
          sum$i_$j_$h = subgroupMatrixMultiplyAccumulate(a$i, low_b$j_$h, sum$i_$j_$h);
#end
#end
#end
#endif
#repeat i matrices_m
#repeat j pairs_n
#repeat h 2
          sum$i_$j_$h = subgroupMatrixMultiplyAccumulate(a$i, b$j_$h, sum$i_$j_$h);
#end
#end
#end
        }
    }
    // Through memory of the subgroup's own.
    let back = vec2<f32>(power_of_two(-exponents.x), power_of_two(-exponents.y));
    if (thread == 0u) {
      exceeded = 0u;
    }
#repeat i matrices_m
#repeat j pairs_n
#if paired
    workgroupBarrier();
#repeat h 2
    subgroupMatrixStore<row_major>(&results, 256u * (2u * subgroup + $hu), sum$i_$j_$h, 16u);
#end
    workgroupBarrier();
#endif
#repeat h 2
#if !paired
    workgroupBarrier();
    subgroupMatrixStore<row_major>(&results, 256u * subgroup, sum$i_$j_$h, 16u);
    workgroupBarrier();
#endif
#repeat r 2
    {
      let at = 256u * (staged * subgroup + $hu % staged) + 4u * lane + 128u * $ru;
      let sums = vec4<f32>(results[at], results[at + 1u], results[at + 2u], results[at + 3u]);
      let bit = 1u << (8u * $iu + 4u * $ju + 2u * $hu + $ru);
      if ((stored & bit) == 0u && (careful || all(finite(sums)))) {
        store(y_offset, first_row + own_row + 16u * $iu + lane / 4u + 8u * $ru, first_column + own_column + 32u * $ju + 16u * $hu + lane % 4u * 4u, sums * back.x * back.y);
        stored |= bit;
      } else if (!careful) {
        exceeded = 1u;
      }
    }
#end
#end
#end
#end
    if (!careful) {
      again = workgroupUniformLoad(&exceeded) != 0u;
    }
  }
#end
}
