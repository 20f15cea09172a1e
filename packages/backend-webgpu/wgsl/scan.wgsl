// Running sums along time of every column of [B, T, columns], in blocks: one thread per block and column. Short sequences take
// one launch. Long ones take three: `totals` of the blocks, their running sums (`offsets`, one workgroup per column), and the
// results.
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
#if offsets
var<workgroup> runs: array<Sum, 64>;

// Replaces the sums of a column's blocks by what comes before each; a thread takes a run of blocks.
fn sum_blocks(batch: u32, column: u32, thread: u32) {
  let run = (params.blocks + 63u) / 64u;
  let first = min(thread * run, params.blocks);
  let end = min(first + run, params.blocks);
  let slot = batch * params.blocks * params.columns + column;
  var own = nothing();
  for (var block = first; block < end; block++) {
    own = join(own, block_sums[slot + block * params.columns]);
  }
  runs[thread] = own;
  workgroupBarrier();
  var before = nothing();
  for (var earlier = 0u; earlier < thread; earlier++) {
    before = join(before, runs[earlier]);
  }
  for (var block = first; block < end; block++) {
    let at = slot + block * params.columns;
    let sum = block_sums[at];
    block_sums[at] = before;
    before = join(before, sum);
  }
}
#endif

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = group_of(workgroup, workgroups);
#if offsets
  if (group < params.size) {
    sum_blocks(group / params.columns, group % params.columns, thread);
  }
#else
  let i = group * 64u + thread;
  if (i >= params.size) {
    return;
  }
  let column = i % params.columns;
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
