// A tile for adapters that compute on the CPU, where barriers cost more than reading operands again: each thread reads what
// its quad of 4×4 results needs. See register_tile.wgsl for what a tile is.
override tile_m: u32 = 32;
override tile_n: u32 = 32;
// Rows of four results that a thread holds.
override results: u32 = 4;
// For the sake of the tiles that have a choice.
override a_along_k: bool = true;
override b_along_k: bool = false;

const threads_m = tile_m / 4u;
const threads = threads_m * (tile_n / 4u);
const loaders = threads_m;
var<private> sums: array<vec4<f32>, 4>;

// What a thread knows of its place; `thread_at` is called first.
struct Place {
  @builtin(local_invocation_index) thread: u32,
}

fn thread_at(place: Place) -> u32 {
  return place.thread;
}

fn prefetch(thread: u32, begin: u32) {}

fn multiply_fetched(thread: u32, begin: u32, end: u32) {
  multiply(thread, begin, end);
}

fn multiply(thread: u32, begin: u32, end: u32) {
  let row = (thread % threads_m) * 4u;
  let column = (thread / threads_m) * 4u;
  for (var k = begin; k < end; k += 4u) {
    let left = block_a(row, k, fetch_a(row, k));
    let right = block_b(column, k, fetch_b(column, k));
#repeat j 4
#repeat r 4
    sums[$r] += left[$j][$r] * right[$j];
#end
#end
  }
}

// Results that a kernel has taken make room for the next ones.
fn clear_results() {
#repeat i 4
  sums[$i] = vec4<f32>();
#end
}

fn result(i: u32) -> vec4<f32> {
  return sums[i];
}

fn result_row(thread: u32, i: u32) -> u32 {
  return (thread % threads_m) * 4u + i;
}

fn result_column(thread: u32, i: u32) -> u32 {
  return (thread / threads_m) * 4u;
}

fn result_part(i: u32) -> u32 {
  return 0u;
}

// What kernels put into their own functions: see matrix_tile.wgsl.
#define sums
#end
#define multiply
  multiply(thread, 0u, steps);
#end
#define results
#repeat i results
  use_result(result_row(thread, $iu), result_column(thread, $iu), result($iu));
#end
#end
