// Gradient of a block of queries, from the keys before it; with `row_totals` that of the decay between each of them and all keys too.
#import attention_queries
#if row_totals
var<storage, read_write> row_totals: array<f32>;
#endif

@compute @workgroup_size(threads)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, place: Place) {
  let thread = thread_at(place);
  let group = group_of(workgroup, workgroups);
  if (group >= params.groups) {
    return;
  }
  let task = task_of(group);
  if (task.first >= task.end) {
    return;
  }
#repeat t tiles
  var outputs$t: Sums;
#end
  var totals: array<f32, rows>;
  let columns = columns_of(thread);
#if vector_gates
  var direct = false;
#endif
  put_queries(thread);
  for (var key = first_key(thread, task.begin, task.offset + task.first); key < task.offset + task.end; key += block) {
    key_first = key;
    put_keys(thread);
    var sums = Sums();
    add_scores(thread, key, task.first, &sums);
    var gradients = Sums();
    add_products(thread, of_dy, of_v, params.e, &gradients);
#loop r rows
    let row = row_at(thread, r);
    let pairs = pairs_of_query(row, columns);
    let stats = query_stats[row];
    let slopes = slopes_of(sums[r], pairs.decay, gradients[r], vec4<f32>(stats.x), vec4<f32>(stats.y));
    sums[r] = select(vec4<f32>(), slopes.slope, pairs.seen);
    totals[r] += dot(select(vec4<f32>(), slopes.decay, pairs.seen), vec4<f32>(1.0));
#end
    put_weights(thread, &sums);
#if vector_gates
    direct = is_direct(thread, key, task.first);
    if (direct) {
      workgroupBarrier();
      for (var r = 0u; r < rows; r++) {
        for (var t = 0u; t < tiles; t++) {
          let column = task.column + t * block + value_at(thread);
          store(task.first + row_at(thread, r), column, params.d, direct_query(row_at(thread, r), column), false);
        }
      }
      break;
    }
#endif
#repeat t tiles
    add_weighted(thread, of_k, task.column + $tu * block, &outputs$t);
#end
  }

#repeat t tiles
#loop r rows
  let row = row_at(thread, r);
  let column = task.column + $tu * block + value_at(thread);
#if vector_gates
  store(task.first + row, column, params.d, decayed_four(outputs$t[r], decay_of_query(row, column)), direct);
#else
  store(task.first + row, column, params.d, outputs$t[r], false);
#endif
#end
#end
#if row_totals
  workgroupBarrier();
  put_parts(thread, &totals);
  workgroupBarrier();
  if (thread < block && task.column == 0u && task.first + thread < task.end) {
    var total = 0.0;
    for (var i = 0u; i < side; i++) {
      total += part_at(thread, i);
    }
    row_totals[query_row(task.first + thread)] = total;
  }
#endif
}
