// What the kernels share whose workgroups each take a block of queries of one head, and the keys that these see.
#import grid
#import attention_tile
#import attention_operands
#import attention_pairs
#import score
// Blocks of columns of the result that a workgroup takes.
override tiles: u32 = 1;
var<storage, read_write> y: array<Stored>;

struct Task {
  // Where the chunk, the block of queries and the columns of the result begin, and where the queries end: nothing to do where
  // that is before they begin. And `offset`, of which the compiler knows here that all threads agree on it.
  begin: u32,
  first: u32,
  column: u32,
  end: u32,
  offset: u32,
}

// The last blocks of queries have the most keys: they go first.
fn task_of(group: u32) -> Task {
  let units = params.groups / (params.blocks * params.splits);
  let unit = group % units;
  head = unit % params.heads;
  key_head = head / (params.heads / params.key_heads);
  let row = unit / (params.heads * params.chunks);
  batch = row;
  let before = offset_of(row);
  offset = before;
  let begin = unit / params.heads % params.chunks * params.chunk;
  let first = begin + (params.blocks - 1u - group / (units * params.splits)) * block;
  let end = min(min(params.queries, begin + params.chunk), first + block);
  query_first = first;
  query_end = end;
  key_end = before + end;
  return Task(begin, first, group / units % params.splits * tiles * block, end, before);
}

// Four numbers of a query's row of the result, or added to what it holds, as only vector gates have it.
fn store(token: u32, column: u32, width: u32, value: vec4<f32>, add: bool) {
  if (token >= query_end || column >= width) {
    return;
  }
  let at = query_row(token) * width + column;
#if wide
#if vector_gates
  y[at / 4u] = value + select(vec4<f32>(), y[at / 4u], add);
#else
  y[at / 4u] = value;
#endif
#else
#loop j 4
  if (column + j < width) {
#if vector_gates
    y[at + j] = value[j] + select(0.0, y[at + j], add);
#else
    y[at + j] = value[j];
#endif
  }
#end
#endif
}
