// Running sums along time of every column of [B, T, columns], in blocks: one thread per block and column. Short sequences take
// one launch. Long ones take three: `totals` of the blocks, their running sums (`offsets`), and the results.
//
// The slot `element` says what is summed: `Sum` with `nothing()` and an associative `join(earlier, later)`, `element(at, token)`
// for one token at offset `at` of the tensors, `emit(at, token, sum)` for the inclusive sum there, `prepare(batch, column)` for
// what is the same for all tokens, and `finish(batch, column, sum)` for the sum of them all. With the flag `backwards` the scan runs from the last token to the first.
#import grid
struct Params {
  size: u32,
  columns: u32,
  length: u32,
  blocks: u32,
  block: u32,
  // What some elements need: tokens per chunk, pairs per head, and the distance of two planes.
  chunk: u32,
  half: u32,
  plane: u32,
}
var<uniform> params: Params;
#import element
#if blocked
var<storage, read_write> block_sums: array<Sum>;
#endif

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = group_of(workgroup, workgroups) * 64u + thread;
  if (i >= params.size) {
    return;
  }
  let column = i % params.columns;
#if offsets
  let batch = i / params.columns;
  var before = nothing();
  for (var block = 0u; block < params.blocks; block++) {
    let slot = (batch * params.blocks + block) * params.columns + column;
    let own = block_sums[slot];
    block_sums[slot] = before;
    before = join(before, own);
  }
#else
  let block = i / params.columns % params.blocks;
  let batch = i / (params.columns * params.blocks);
  prepare(batch, column);
  var sum = nothing();
#if blocked
#if !totals
  sum = block_sums[i];
#endif
#endif
  let end = min(params.length, (block + 1u) * params.block);
  for (var step = block * params.block; step < end; step++) {
#if backwards
    let token = params.length - 1u - step;
#else
    let token = step;
#endif
    let at = (batch * params.length + token) * params.columns + column;
    sum = join(sum, element(at, token));
#if !totals
    emit(at, token, sum);
#endif
  }
#if totals
  block_sums[i] = sum;
#else
  if (end == params.length) {
    finish(batch, column, sum);
  }
#endif
#endif
}
