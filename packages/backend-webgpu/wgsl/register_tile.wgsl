// The inner product tile that runs everywhere: two panels in workgroup memory, and quads of 4×4 results in the registers of
// each thread. Sums are float32; with the flag f16 both operands are float16, and so are the panels.
//
// A tile is a file for the slot `tile`. It defines `threads`, `tile_m`, `tile_n` and the functions named here; the kernel
// that imports it decides what is multiplied and what becomes of the results.
//
// The kernel gives blocks of 4×4 operands for 4 rows (or columns) of the tile from m (or n) on and 4 steps of k, one column of the
// block per k: `fetch_a(m, k)` and `fetch_b(n, k)` load what `block_a(m, k, fetched)` and `block_b(n, k, fetched)` make a block of, later
// where the tile has other work meanwhile. `multiply` adds the products over a range of k to the results;
// `result(i)` is then a row of four of them at `result_row(i)`, `result_column(i)` of the tile, in the
// `result_part(i)`-th of as many ranges of its columns as a thread has quads side by side. The first `loaders`
// threads ask for each block of a exactly once; without `a_along_k` a thread asks for the same four rows throughout, those from
// 4·(thread mod tile_m/4) on.
#if f16
enable f16;
alias Operands = vec4<f16>;
#else
alias Operands = vec4<f32>;
#endif
override tile_m: u32 = 64;
override tile_n: u32 = 64;
override tile_k: u32 = 16;
// Quads of a thread along each side, 1 or 2.
override quads: u32 = 1;
// Whether neighbouring threads load neighbours along k, or along m (or n): what lies together in memory.
override a_along_k: bool = true;
override b_along_k: bool = false;
// Rows of four results that a thread holds, and 4×4 blocks that it loads per slice.
override results: u32 = 4;
override loads: u32 = 1;

const threads_n = tile_n / (4u * quads);
const threads = (tile_m / (4u * quads)) * threads_n;
const loaders = threads;
const stride_a = tile_m / 4u;
const stride_b = tile_n / 4u;
const blocks_a = stride_a * (tile_k / 4u);
const blocks_b = stride_b * (tile_k / 4u);

alias Block = mat4x4<f32>;
var<workgroup> panel_a: array<Operands, tile_k * stride_a>;
var<workgroup> panel_b: array<Operands, tile_k * stride_b>;
var<private> sums: array<vec4<f32>, results>;
var<private> ahead: array<Block, loads>;

// What a thread knows of its place; `thread_at` is called first.
struct Place {
  @builtin(local_invocation_index) thread: u32,
}

fn thread_at(place: Place) -> u32 {
  return place.thread;
}

// Where block number i of a panel with `stride` blocks per 4 steps of k lies: (row or column, step).
fn block_at(i: u32, stride: u32, along_k: bool) -> vec2<u32> {
  if (along_k) {
    return vec2<u32>(i / (tile_k / 4u), i % (tile_k / 4u)) * 4u;
  }
  return vec2<u32>(i % stride, i / stride) * 4u;
}

fn fetch(i: u32, k: u32) -> Block {
  if (i < blocks_a) {
    let at = block_at(i, stride_a, a_along_k);
    return block_a(at.x, k + at.y, fetch_a(at.x, k + at.y));
  }
  if (i < blocks_a + blocks_b) {
    let at = block_at(i - blocks_a, stride_b, b_along_k);
    return block_b(at.x, k + at.y, fetch_b(at.x, k + at.y));
  }
  return Block();
}

fn put(i: u32, block: Block) {
  if (i < blocks_a) {
    let at = block_at(i, stride_a, a_along_k);
#repeat j 4
    panel_a[(at.y + $ju) * stride_a + at.x / 4u] = Operands(block[$j]);
#end
  } else if (i < blocks_a + blocks_b) {
    let at = block_at(i - blocks_a, stride_b, b_along_k);
#repeat j 4
    panel_b[(at.y + $ju) * stride_b + at.x / 4u] = Operands(block[$j]);
#end
  }
}

// sums += panel_aᵀ·panel_b, between two barriers.
fn multiply_panels(thread: u32) {
  let row = thread / threads_n;
  let column = thread % threads_n;
  for (var k = 0u; k < tile_k; k++) {
#repeat i quads
    let a$i = vec4<f32>(panel_a[k * stride_a + $iu * (stride_a / quads) + row]);
#end
#repeat j quads
    let b$j = vec4<f32>(panel_b[k * stride_b + $ju * (stride_b / quads) + column]);
#end
#repeat i quads
#repeat j quads
#repeat r 4
    sums[($iu * quads + $ju) * 4u + $ru] += a$i[$r] * b$j;
#end
#end
#end
  }
}

// Loads the first operands of the next `multiply_fetched` while the thread does something else.
fn prefetch(thread: u32, begin: u32) {
#repeat l loads
  ahead[$l] = fetch(thread + $lu * threads, begin);
#end
}

// sums += Σ_k over [begin, end), whose first operands are there already.
fn multiply_fetched(thread: u32, begin: u32, end: u32) {
  for (var k = begin; k < end; k += tile_k) {
    workgroupBarrier();
#repeat l loads
    put(thread + $lu * threads, ahead[$l]);
#end
    workgroupBarrier();
    if (k + tile_k < end) {
      prefetch(thread, k + tile_k);
    }
    multiply_panels(thread);
  }
}

// sums += Σ_k over [begin, end); begin and end must be the same for the whole workgroup.
fn multiply(thread: u32, begin: u32, end: u32) {
  if (begin < end) {
    prefetch(thread, begin);
    multiply_fetched(thread, begin, end);
  }
}

// Results that a kernel has taken make room for the next ones.
fn clear_results() {
#repeat i results
  sums[$i] = vec4<f32>();
#end
}

fn result(i: u32) -> vec4<f32> {
  return sums[i];
}

fn result_row(thread: u32, i: u32) -> u32 {
  return (i / 4u / quads) * (tile_m / quads) + (thread / threads_n) * 4u + i % 4u;
}

fn result_column(thread: u32, i: u32) -> u32 {
  return (i / 4u % quads) * (tile_n / quads) + (thread % threads_n) * 4u;
}

fn result_part(i: u32) -> u32 {
  return i / 4u % quads;
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
