// The tile of attention on matrix units: see attention_tile.wgsl for what it does. Operands and weights are float16, sums float32.
// With `split` an operand is the sum of two halves and a product is three. Each block of operands, and each of weights, has a scale
// of its own, a power of two, with which it fits; what is not finite has no say in it.
//
// Without `split` the two halves are kept where differences of large numbers would be left with what rounding does: in q and k of scores, in
// dy of its product with v, and in the weights of v. Values are one half in all their products, so that y and its gradient see the same.
//
// A thread's four columns of scores lie together, as do those of its results.
enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;
requires buffer_view;
diagnostic(off, chromium.subgroup_matrix_uniformity);
#import matrix_numbers
override split: bool = false;
override block: u32 = 64;
override quads: u32 = 2;
// Rows of four sums that a thread holds, and vectors that it loads of each operand.
override rows: u32 = 8;
override loads: u32 = 8;
override subgroups: u32 = 4;
// Halves of an operand.
override panels: u32 = 1;
// In how many turns results go to lanes, which takes less memory the more there are.
override stages: u32 = 1;
// Matrices of results that a subgroup has along each side, and subgroups along the columns.
override matrices_m: u32 = 2;
override matrices_n: u32 = 2;
override subgroups_n: u32 = 2;

const side = block / 4u;
const threads = side * side / quads;
// Halves and numbers of a row with what keeps neighbours off each other's banks.
const pitch = block + 8u;
const stage_pitch = block + 4u;
const panel = block * pitch;
// How far the lower half of a number lies behind the upper one: in a panel of its own, or in the other half of a panel that has half the steps.
const lower_at = select(block / 8u, panel / 4u, split);
#if dy
const lower_weights = false;
#else
const lower_weights = !split;
#endif

alias Sums = array<vec4<f32>, rows>;
// Rows of the first operand, or weights; between the two numbers for each row.
var<workgroup> panel_a: buffer<2u * panels * panel>;
// Rows of the second operand.
var<workgroup> panel_b: buffer<2u * panels * panel>;
// Results on their way to lanes, of a type of their own: see matrix_product.wgsl.
const stage_rows = block / stages;
var<workgroup> stage: array<f32, stage_rows * stage_pitch>;
// The largest numbers of both operands, and of the weights, by subgroup.
var<workgroup> largest_operands: array<vec2<f32>, subgroups>;
var<workgroup> largest_weights: array<f32, subgroups>;
// Set where an operand holds NaN or infinities, which weights of 0 hide.
var<workgroup> unbounded: atomic<u32>;
var<private> ahead_a: array<vec4<f32>, loads>;
var<private> ahead_b: array<vec4<f32>, loads>;
var<private> weight_exponent: i32;
// Weights, scaled, of which the panel holds one half at a time.
var<private> own_weights: Sums;
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

fn row_at(thread: u32, r: u32) -> u32 {
  return (r / 4u) * (block / quads) + (thread / side) * 4u + r % 4u;
}

fn column_at(thread: u32, j: u32) -> u32 {
  return thread % side * 4u + j;
}

fn value_at(thread: u32) -> u32 {
  return thread % side * 4u;
}

fn only_finite(x: vec4<f32>) -> vec4<f32> {
  return select(vec4<f32>(), x, finite(x));
}

// Exponents of the scales of what was fetched ahead; all threads pass a barrier.
fn fit_operands() -> vec2<i32> {
  var size = vec2<f32>();
#repeat l loads
  size.x = larger(size.x, ahead_a[$l]);
  size.y = larger(size.y, ahead_b[$l]);
#end
  if (any(bitcast<vec2<u32>>(size) >= vec2<u32>(0x7f800000u))) {
    size = vec2<f32>();
#repeat l loads
    size.x = larger(size.x, only_finite(ahead_a[$l]));
    size.y = larger(size.y, only_finite(ahead_b[$l]));
#end
  }
  size = subgroupMax(size);
  if (lane == 0u) {
    largest_operands[subgroup] = size;
  }
  workgroupBarrier();
#repeat s subgroups
  size = max(size, largest_operands[$s]);
#end
  return vec2<i32>(fitted(126, size.x), fitted(126, size.y));
}

fn put_a(row: u32, column: u32, x: vec4<f32>, both: bool) {
  let to = bufferView<array<vec4<f16>, panels * panel / 4u>>(&panel_a, 0u);
  let at = (row * pitch + column) / 4u;
  if (both) {
    to[at] = vec4<f16>(upper(x));
    to[at + lower_at] = vec4<f16>(lower(x));
  } else {
    to[at] = vec4<f16>(x);
  }
}

fn put_b(row: u32, column: u32, x: vec4<f32>, both: bool) {
  let to = bufferView<array<vec4<f16>, panels * panel / 4u>>(&panel_b, 0u);
  let at = (row * pitch + column) / 4u;
  if (both) {
    to[at] = vec4<f16>(upper(x));
    to[at + lower_at] = vec4<f16>(lower(x));
  } else {
    to[at] = vec4<f16>(x);
  }
}

#define matrices
  let own_row = subgroup / subgroups_n * (16u * matrices_m);
  let own_column = subgroup % subgroups_n * (16u * matrices_n);
#repeat i matrices_m
#repeat j matrices_n
  var sum$i_$j: subgroup_matrix_result<f32, 16, 16>;
#end
#end
#end

#define multiply
  for (var step = 0u; step < block; step += 16u) {
#repeat h panels
#repeat i matrices_m
    let a$h_$i = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 16>, row_major>(of_a, $hu * panel + (own_row + 16u * $iu) * pitch + step, pitch);
#end
#repeat j matrices_n
    var b$h_$j: subgroup_matrix_right<f16, 16, 16>;
    if (rows_are_columns) {
      b$h_$j = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, col_major>(of_b, $hu * panel + (own_column + 16u * $ju) * pitch + step, pitch);
    } else {
      b$h_$j = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, row_major>(of_b, $hu * panel + step * pitch + own_column + 16u * $ju, pitch);
    }
#end
#end
#repeat i matrices_m
#repeat j matrices_n
#if split
    sum$i_$j = subgroupMatrixMultiplyAccumulate(a1_$i, b0_$j, sum$i_$j);
    sum$i_$j = subgroupMatrixMultiplyAccumulate(a0_$i, b1_$j, sum$i_$j);
#endif
    sum$i_$j = subgroupMatrixMultiplyAccumulate(a0_$i, b0_$j, sum$i_$j);
#end
#end
  }
#end

// When all threads have taken their results none needs the panels any more.
#define results
  let back = vec2<f32>(power_of_two(-exponents.x), power_of_two(-exponents.y));
#repeat h stages
  workgroupBarrier();
#repeat i matrices_m
  if (stages == 1u || (own_row + 16u * $iu) / stage_rows == $hu) {
#repeat j matrices_n
    subgroupMatrixStore<row_major>(&stage, (own_row + 16u * $iu - stage_rows * $hu) * stage_pitch + own_column + 16u * $ju, sum$i_$j, stage_pitch);
#end
  }
#end
  workgroupBarrier();
#repeat r rows
  if (stages == 1u || row_at(thread, $ru) / stage_rows == $hu) {
    let at = (row_at(thread, $ru) - stage_rows * $hu) * stage_pitch + value_at(thread);
    (*sums)[$r] += vec4<f32>(stage[at], stage[at + 1u], stage[at + 2u], stage[at + 3u]) * back.x * back.y;
  }
#end
#end
#end

// sums += panel_a·panel_b times 2^-exponent. Rows of panel_b are columns of the product, or its steps.
fn multiply_panels(thread: u32, rows_are_columns: bool, exponents: vec2<i32>, sums: ptr<function, Sums>) {
  let of_a = bufferView<array<f16, panels * panel>>(&panel_a, 0u);
  let of_b = bufferView<array<f16, panels * panel>>(&panel_b, 0u);
#put matrices
  if (lower_weights) {
#repeat r rows
    put_a(row_at(thread, $ru), value_at(thread), lower(own_weights[$r]), false);
#end
    workgroupBarrier();
#put multiply
    workgroupBarrier();
#repeat r rows
    put_a(row_at(thread, $ru), value_at(thread), upper(own_weights[$r]), false);
#end
  }
  workgroupBarrier();
#put multiply
#put results
}

// sums += the products of a's rows with b's, over `width` columns.
#if split
fn add_products(thread: u32, a: u32, b: u32, width: u32, sums: ptr<function, Sums>) {
  for (var at = 0u; at < width; at += block) {
#repeat l loads
    ahead_a[$l] = load(a, (thread + $lu * threads) / side, at + value_at(thread));
    ahead_b[$l] = load(b, (thread + $lu * threads) / side, at + value_at(thread));
#end
    let exponents = fit_operands();
    let scales = vec2<f32>(power_of_two(exponents.x), power_of_two(exponents.y));
#repeat l loads
    put_a((thread + $lu * threads) / side, value_at(thread), ahead_a[$l] * scales.x, true);
    put_b((thread + $lu * threads) / side, value_at(thread), ahead_b[$l] * scales.y, true);
#end
    multiply_panels(thread, true, exponents, sums);
  }
}
#else
#import attention_halves
#endif

// Every thread calls `add_products` or passes another barrier before this.
fn put_weights(thread: u32, values: ptr<function, Sums>) {
  var size = 0.0;
#repeat r rows
  size = larger(size, only_finite((*values)[$r]));
#end
  size = subgroupMax(size);
  if (lane == 0u) {
    largest_weights[subgroup] = size;
  }
  workgroupBarrier();
#repeat s subgroups
  size = max(size, largest_weights[$s]);
#end
  weight_exponent = fitted(126, size);
#repeat r rows
  own_weights[$r] = (*values)[$r] * power_of_two(weight_exponent);
  if (!lower_weights) {
    put_a(row_at(thread, $ru), value_at(thread), own_weights[$r], split);
  }
#end
}

// One number for each row that the thread has sums of: what all threads of a row know of it, in place of the weights.
fn put_parts(thread: u32, parts: ptr<function, array<f32, rows>>) {
  let to = bufferView<array<f32, block * (side + 1u)>>(&panel_a, 0u);
#repeat r rows
  to[row_at(thread, $ru) * (side + 1u) + thread % side] = (*parts)[$r];
#end
}

// Part i, below `side`, of a row.
fn part_at(row: u32, i: u32) -> f32 {
  let panel_of = bufferView<array<f32, block * (side + 1u)>>(&panel_a, 0u);
  return panel_of[row * (side + 1u) + i];
}

// What `add_weighted` has left out: what is not finite, where its weight is not 0.
fn add_unbounded(thread: u32, operand: u32, first: u32, sums: ptr<function, Sums>) {
  let panel_of = bufferView<array<f16, panels * panel>>(&panel_a, 0u);
  for (var step = 0u; step < block; step++) {
    let four = load(operand, step, first + value_at(thread));
    let apart = !finite(four);
    if (any(apart)) {
#repeat r rows
      let weight$r = f32(panel_of[row_at(thread, $ru) * pitch + step]);
      (*sums)[$r] += select(vec4<f32>(), weight$r * four, apart & vec4<bool>(weight$r != 0.0));
#end
    }
  }
}

// sums += weights·values: columns [first, first + block) of an operand. A thread's sums are of the rows `row_at` and of the
// four columns from `value_at` on.
fn add_weighted(thread: u32, operand: u32, first: u32, sums: ptr<function, Sums>) {
#repeat l loads
  let four$l = load(operand, (thread + $lu * threads) / side, first + value_at(thread));
  ahead_a[$l] = vec4<f32>();
  ahead_b[$l] = only_finite(four$l);
  if (any(!finite(four$l))) {
    atomicStore(&unbounded, 1u);
  }
#end
  let exponent = fit_operands().y;
#repeat l loads
  put_b((thread + $lu * threads) / side, value_at(thread), ahead_b[$l] * power_of_two(exponent), split);
#end
  multiply_panels(thread, false, vec2<i32>(weight_exponent, exponent), sums);
  if (atomicLoad(&unbounded) != 0u) {
    add_unbounded(thread, operand, first, sums);
  }
}
