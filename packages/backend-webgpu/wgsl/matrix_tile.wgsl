// The product tile on matrix units: see register_tile.wgsl for what a tile is. Operands are float16, sums float32. With `split` an
// operand is the sum of two halves and a product is three, which leaves float32 but its last two bits.
//
// Operands are scaled by powers of two so that they fit: every slice says how large it is before it goes into the panels, and
// sums follow where a later slice needs another scale. What is not finite has no say, and comes out as it went in.
enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;
requires buffer_view;
diagnostic(off, chromium.subgroup_matrix_uniformity);
#import matrix_numbers
// The kernel has `bound_of_a(thread)`, two numbers from this thread's share of what a is made of: no number of a is larger than the
// largest first times the largest second of all threads.
override bounded: bool = false;
override tile_m: u32 = 128;
override tile_n: u32 = 64;
override tile_k: u32 = 32;
override a_along_k: bool = true;
override b_along_k: bool = false;
// Matrices of 16×16 sums that a subgroup holds along each side, and subgroups along each side.
override matrices_m: u32 = 4;
override matrices_n: u32 = 2;
override subgroups: u32 = 4;
override subgroups_n: u32 = 2;
// 4×4 blocks that a thread loads per slice.
override loads_a: u32 = 2;
override loads_b: u32 = 1;

const threads = 32u * subgroups;
const loaders = threads;
// Panels hold rows as the kernel loads them, padded so that neighbours do not meet in one bank.
const stride_a = select(tile_m, tile_k, a_along_k) + 8u;
const stride_b = select(tile_n, tile_k, b_along_k) + 8u;
const size_a = select(tile_k, tile_m, a_along_k) * stride_a;
const size_b = select(tile_k, tile_n, b_along_k) * stride_b;
#if split
const panels = 2u;
#else
const panels = 1u;
#endif
const blocks_a = tile_m / 4u * (tile_k / 4u);
const blocks_b = tile_n / 4u * (tile_k / 4u);

alias Block = mat4x4<f32>;
var<workgroup> panel_a: buffer<2u * panels * size_a>;
var<workgroup> panel_b: buffer<2u * panels * size_b>;
// Results on their way to lanes, of a type of their own: see matrix_product.wgsl.
var<workgroup> staged: array<f32, 256u * subgroups>;
// The largest numbers of a slice of a and b that do not fit, of this slice and of the next.
var<workgroup> unfit: array<atomic<u32>, 4>;
var<private> turn: u32;
#if bounded
// What the kernel says of a, by subgroup.
var<workgroup> largest: array<vec2<f32>, subgroups>;
#endif
var<private> fetched_a: array<FetchedA, loads_a>;
var<private> fetched_b: array<FetchedB, loads_b>;
var<private> ahead_a: array<Block, loads_a>;
var<private> ahead_b: array<Block, loads_b>;
var<private> exponents: vec2<i32> = vec2<i32>(126);
var<private> subgroup: u32;
var<private> lane: u32;

struct Place {
  @builtin(local_invocation_index) thread: u32,
  @builtin(subgroup_id) subgroup: u32,
  @builtin(subgroup_invocation_id) lane: u32,
}

fn thread_at(place: Place) -> u32 {
  subgroup = place.subgroup;
  lane = place.lane;
  return place.thread;
}

// Where block number i of a panel of `side` rows (or columns) lies: (row or column, step).
fn block_at(i: u32, side: u32, along_k: bool) -> vec2<u32> {
  if (along_k) {
    return vec2<u32>(i / (tile_k / 4u), i % (tile_k / 4u)) * 4u;
  }
  return vec2<u32>(i % (side / 4u), i / (side / 4u)) * 4u;
}

fn prefetch(thread: u32, begin: u32) {
#repeat l loads_a
  if (thread + $lu * threads < blocks_a) {
    let at = block_at(thread + $lu * threads, tile_m, a_along_k);
    fetched_a[$l] = fetch_a(at.x, begin + at.y);
  }
#end
#repeat l loads_b
  if (thread + $lu * threads < blocks_b) {
    let at = block_at(thread + $lu * threads, tile_n, b_along_k);
    fetched_b[$l] = fetch_b(at.x, begin + at.y);
  }
#end
}

// Blocks of what was fetched.
fn make_blocks(thread: u32, begin: u32) {
#repeat l loads_a
  if (thread + $lu * threads < blocks_a) {
    let at = block_at(thread + $lu * threads, tile_m, a_along_k);
    ahead_a[$l] = block_a(at.x, begin + at.y, fetched_a[$l]);
  }
#end
#repeat l loads_b
  if (thread + $lu * threads < blocks_b) {
    let at = block_at(thread + $lu * threads, tile_n, b_along_k);
    ahead_b[$l] = block_b(at.x, begin + at.y, fetched_b[$l]);
  }
#end
}

fn largest_of(block: Block, only_finite: bool) -> f32 {
  var size = 0.0;
#repeat j 4
  size = larger(size, select(block[$j], vec4<f32>(), vec4<bool>(only_finite) & !finite(block[$j])));
#end
  return size;
}

#if bounded
// A scale for all of a, of which the kernel knows beforehand how large it is.
fn fit_a(thread: u32) {
  let own = subgroupMax(bound_of_a(thread));
  if (lane == 0u) {
    largest[subgroup] = own;
  }
  workgroupBarrier();
  var size = vec2<f32>();
#repeat s subgroups
  size = max(size, largest[$s]);
#end
  workgroupBarrier();
  exponents.x = fitted(126, size.x * size.y);
}
#endif

// Finds scales for what was fetched ahead, and what sums so far are multiplied by to have them. Threads whose numbers fit say nothing.
fn fit(thread: u32) -> f32 {
  var size = vec2<f32>();
#if !bounded
#repeat l loads_a
  size.x = max(size.x, largest_of(ahead_a[$l], false));
#end
#endif
#repeat l loads_b
  size.y = max(size.y, largest_of(ahead_b[$l], false));
#end
  let next = vec2<i32>(fitted(exponents.x, size.x), fitted(exponents.y, size.y));
  if (any(next != exponents)) {
    size = vec2<f32>();
#repeat l loads_a
    size.x = max(size.x, largest_of(ahead_a[$l], true));
#end
#repeat l loads_b
    size.y = max(size.y, largest_of(ahead_b[$l], true));
#end
    atomicMax(&unfit[2u * turn], bitcast<u32>(size.x));
    atomicMax(&unfit[2u * turn + 1u], bitcast<u32>(size.y));
  }
  workgroupBarrier();
  size = bitcast<vec2<f32>>(vec2<u32>(atomicLoad(&unfit[2u * turn]), atomicLoad(&unfit[2u * turn + 1u])));
  turn = 1u - turn;
  if (thread == 0u) {
    atomicStore(&unfit[2u * turn], 0u);
    atomicStore(&unfit[2u * turn + 1u], 0u);
  }
  if (all(size == vec2<f32>())) {
    return 1.0;
  }
#if bounded
  let grown = vec2<i32>(0, fitted(exponents.y, size.y) - exponents.y);
#else
  let grown = vec2<i32>(fitted(exponents.x, size.x), fitted(exponents.y, size.y)) - exponents;
#endif
  exponents += grown;
  return select(0.0, power_of_two(grown.x + grown.y), grown.x + grown.y > -126);
}

// The number of a vector in its panel, of row j of the block number i.
fn place_in(i: u32, j: u32, side: u32, stride: u32, along_k: bool) -> u32 {
  let at = block_at(i, side, along_k);
  if (along_k) {
    return ((at.x + j) * stride + at.y) / 4u;
  }
  return ((at.y + j) * stride + at.x) / 4u;
}

fn put_blocks(thread: u32) {
  let to_a = bufferView<array<vec4<f16>, panels * size_a / 4u>>(&panel_a, 0u);
  let to_b = bufferView<array<vec4<f16>, panels * size_b / 4u>>(&panel_b, 0u);
#repeat l loads_a
  if (thread + $lu * threads < blocks_a) {
#if a_along_k
    let rows = transpose(ahead_a[$l]);
#else
    let rows = ahead_a[$l];
#endif
#repeat j 4
    let x$j = rows[$j] * power_of_two(exponents.x);
    let at$j = place_in(thread + $lu * threads, $ju, tile_m, stride_a, a_along_k);
#if split
    to_a[at$j] = vec4<f16>(upper(x$j));
    to_a[at$j + size_a / 4u] = vec4<f16>(lower(x$j));
#else
    to_a[at$j] = vec4<f16>(x$j);
#endif
#end
  }
#end
#repeat l loads_b
  if (thread + $lu * threads < blocks_b) {
#if b_along_k
    let rows = transpose(ahead_b[$l]);
#else
    let rows = ahead_b[$l];
#endif
#repeat j 4
    let x$j = rows[$j] * power_of_two(exponents.y);
    let at$j = place_in(thread + $lu * threads, $ju, tile_n, stride_b, b_along_k);
#if split
    to_b[at$j] = vec4<f16>(upper(x$j));
    to_b[at$j + size_b / 4u] = vec4<f16>(lower(x$j));
#else
    to_b[at$j] = vec4<f16>(x$j);
#endif
#end
  }
#end
}

// Sums are variables of the kernel's own: no others can hold them.
#define sums
#repeat i matrices_m
#repeat j matrices_n
  var sum$i_$j: subgroup_matrix_result<f32, 16, 16>;
#end
#end
#end

// sums += Σ_k over [0, steps).
#define multiply
  prefetch(thread, 0u);
#if bounded
  fit_a(thread);
#endif
  for (var k = 0u; k < steps; k += tile_k) {
    make_blocks(thread, k);
    let factor = fit(thread);
    if (factor != 1.0) {
#repeat i matrices_m
#repeat j matrices_n
      sum$i_$j = subgroupMatrixScalarMultiply(sum$i_$j, factor);
#end
#end
    }
    put_blocks(thread);
    workgroupBarrier();
    if (k + tile_k < steps) {
      prefetch(thread, k + tile_k);
    }
    let of_a = bufferView<array<f16, panels * size_a>>(&panel_a, 0u);
    let of_b = bufferView<array<f16, panels * size_b>>(&panel_b, 0u);
    let own_row = subgroup / subgroups_n * (16u * matrices_m);
    let own_column = subgroup % subgroups_n * (16u * matrices_n);
    for (var step = 0u; step < tile_k; step += 16u) {
#repeat i matrices_m
#if a_along_k
      let a$i = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 16>, row_major>(of_a, (own_row + 16u * $iu) * stride_a + step, stride_a);
#else
      let a$i = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 16>, col_major>(of_a, step * stride_a + own_row + 16u * $iu, stride_a);
#endif
#end
#repeat j matrices_n
#if b_along_k
      let b$j = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, col_major>(of_b, (own_column + 16u * $ju) * stride_b + step, stride_b);
#else
      let b$j = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, row_major>(of_b, step * stride_b + own_column + 16u * $ju, stride_b);
#endif
#end
#if split
#repeat i matrices_m
#if a_along_k
      let low_a$i = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 16>, row_major>(of_a, size_a + (own_row + 16u * $iu) * stride_a + step, stride_a);
#else
      let low_a$i = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 16>, col_major>(of_a, size_a + step * stride_a + own_row + 16u * $iu, stride_a);
#endif
#end
#repeat j matrices_n
#if b_along_k
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
#end

// Hands the results on, four at a time; a matrix goes through memory of the subgroup's own.
#define results
  let at = 256u * subgroup + 4u * lane;
#repeat i matrices_m
#repeat j matrices_n
  workgroupBarrier();
  subgroupMatrixStore<row_major>(&staged, 256u * subgroup, sum$i_$j, 16u);
  workgroupBarrier();
#repeat r 2
  use_result(
    subgroup / subgroups_n * (16u * matrices_m) + 16u * $iu + 8u * $ru + lane / 4u,
    subgroup % subgroups_n * (16u * matrices_n) + 16u * $ju + lane % 4u * 4u,
    vec4<f32>(staged[at + 128u * $ru], staged[at + 128u * $ru + 1u], staged[at + 128u * $ru + 2u], staged[at + 128u * $ru + 3u]) * power_of_two(-exponents.x) * power_of_two(-exponents.y),
  );
#end
#end
#end
#end
