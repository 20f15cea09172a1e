// Gradients of a block of keys and its values, from the queries after it, of all the heads that share them.
#import grid
#import attention_tile
#import attention_operands
#import attention_pairs
#import score
// Blocks of columns of both results that a workgroup takes.
override tiles: u32 = 1;
var<storage, read_write> dk: array<Stored>;
var<storage, read_write> dv: array<Stored>;
#if dA
var<storage, read_write> dA: array<f32>;
#endif

// Four numbers of a key's row, or added to what it holds, as only vector gates have it.
fn store_dk(token: u32, column: u32, value: vec4<f32>, add: bool) {
  if (token >= key_end || column >= params.d) {
    return;
  }
  let at = key_row(token) * params.d + column;
#if wide
#if vector_gates
  dk[at / 4u] = value + select(vec4<f32>(), dk[at / 4u], add);
#else
  dk[at / 4u] = value;
#endif
#else
#loop j 4
  if (column + j < params.d) {
#if vector_gates
    dk[at + j] = value[j] + select(0.0, dk[at + j], add);
#else
    dk[at + j] = value[j];
#endif
  }
#end
#endif
}

fn store_dv(token: u32, column: u32, value: vec4<f32>) {
  if (token >= key_end || column >= params.e) {
    return;
  }
  let at = key_row(token) * params.e + column;
#if wide
  dv[at / 4u] = value;
#else
#loop j 4
  if (column + j < params.e) {
    dv[at + j] = value[j];
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
  // The first blocks of keys are seen by the most queries: they go first.
  let units = params.groups / (params.blocks * params.splits);
  let unit = group % units;
  let begin = unit / params.key_heads % params.chunks * params.chunk;
  let first = begin + group / (units * params.splits) * block;
  let end = min(min(params.keys, begin + params.chunk), first + block);
  if (first >= end) {
    return;
  }
  let first_column = group / units % params.splits * tiles * block;
  let shared_by = params.heads / params.key_heads;
  key_head = unit % params.key_heads;
  let row = unit / (params.key_heads * params.chunks);
  let before = offset_of(row);
  batch = row;
  offset = before;
  // The last key is seen up to the end of its window.
  let last_query = min(min(params.queries, begin + params.chunk), max(end + params.window - 1u, before) - before);
  key_first = first;
  key_end = end;
#repeat t tiles
  var keys$t: Sums;
  var values$t: Sums;
#end
  var totals: array<f32, rows>;
  let columns = columns_of(thread);
  var direct = false;
  put_keys(thread);
  for (var i = 0u; i < shared_by; i++) {
    head = key_head * shared_by + i;
    for (var query = max(first, before) - before; query < last_query; query += block) {
      query_first = query;
      query_end = min(last_query, query + block);
#if scalar_gates
      if (first_key(thread, begin, before + query) >= end) {
        break;
      }
#endif
      put_queries(thread);
      // Rows are keys, columns are queries.
      var sums = Sums();
      add_scores(thread, first, query, &sums);
      var gradients = Sums();
      add_products(thread, of_v, of_dy, params.e, &gradients);
#repeat j 4
      let stats$j = query_stats[columns[$j]];
#end
      let largest = vec4<f32>(stats0.x, stats1.x, stats2.x, stats3.x);
      let along = vec4<f32>(stats0.y, stats1.y, stats2.y, stats3.y);
#loop r rows
      let pairs = pairs_of_key(row_at(thread, r), columns);
      let slopes = slopes_of(sums[r], pairs.decay, gradients[r], largest, along);
      sums[r] = select(vec4<f32>(), slopes.weight, pairs.seen);
      gradients[r] = select(vec4<f32>(), slopes.slope, pairs.seen);
      totals[r] += dot(select(vec4<f32>(), slopes.decay, pairs.seen), vec4<f32>(1.0));
#end
      put_weights(thread, &sums);
#repeat t tiles
      add_weighted(thread, of_dy, first_column + $tu * block, &values$t);
#end
      workgroupBarrier();
      put_weights(thread, &gradients);
#if vector_gates
      if (is_direct(thread, first, query)) {
        workgroupBarrier();
        for (var r = 0u; r < rows; r++) {
          for (var t = 0u; t < tiles; t++) {
            let column = first_column + t * block + value_at(thread);
            store_dk(first + row_at(thread, r), column, direct_key(row_at(thread, r), column), direct);
          }
        }
        direct = true;
      } else {
#repeat t tiles
        var part$t = Sums();
        add_weighted(thread, of_q, first_column + $tu * block, &part$t);
#loop r rows
        keys$t[r] += decayed_four(part$t[r], decay_of_key(row_at(thread, r), first_column + $tu * block + value_at(thread)));
#end
#end
      }
#else
#repeat t tiles
      add_weighted(thread, of_q, first_column + $tu * block, &keys$t);
#end
#endif
    }
  }

#repeat t tiles
#loop r rows
  store_dk(first + row_at(thread, r), first_column + $tu * block + value_at(thread), keys$t[r], direct);
  store_dv(first + row_at(thread, r), first_column + $tu * block + value_at(thread), values$t[r]);
#end
#end
#if dA
  workgroupBarrier();
  put_parts(thread, &totals);
  workgroupBarrier();
  if (thread < block && first_column == 0u && first + thread < end) {
    var total = 0.0;
    for (var i = 0u; i < side; i++) {
      total += part_at(thread, i);
    }
    dA[key_row(first + thread)] = -total;
  }
#endif
}
