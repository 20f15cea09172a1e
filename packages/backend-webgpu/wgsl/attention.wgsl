// Attention of a block of queries to the keys before it, block after block, with a running maximum per row.
#import attention_queries
#if logSum
var<storage, read_write> logSum: array<f32>;
#else
var<storage, read_write> den: array<f32>;
var<storage, read_write> rowMax: array<f32>;
#endif

var<workgroup> most: array<f32, block>;
var<workgroup> grown: array<f32, block>;

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
  if (thread < block) {
    most[thread] = least;
  }
  put_queries(thread);
  for (var key = first_key(thread, task.begin, task.offset + task.first); key < task.offset + task.end; key += block) {
    key_first = key;
    put_keys(thread);
    var sums = Sums();
    add_scores(thread, key, task.first, &sums);

    // The largest score of each row.
    var sizes: array<f32, rows>;
    var seen: array<vec4<bool>, rows>;
#loop r rows
    let pairs = pairs_of_query(row_at(thread, r), columns);
    sums[r] = select(vec4<f32>(least), scores(sums[r], pairs.decay), pairs.seen);
    seen[r] = pairs.seen;
    let four = size_of(sums[r]);
    sizes[r] = max(max(four.x, four.y), max(four.z, four.w));
#end
    put_parts(thread, &sizes);
    workgroupBarrier();
    if (thread < block) {
      var size = most[thread];
      for (var i = 0u; i < side; i++) {
        size = max(size, part_at(thread, i));
      }
      grown[thread] = growth(most[thread], size);
      most[thread] = size;
    }
    workgroupBarrier();

#loop r rows
    let by = grown[row_at(thread, r)];
    // A row that has seen nothing yet has no largest score to compare with.
    sums[r] = select(vec4<f32>(), weights_of(sums[r], reference_of(most[row_at(thread, r)])), seen[r]);
    totals[r] = totals[r] * by + dot(sums[r], vec4<f32>(1.0));
#repeat t tiles
    outputs$t[r] *= by;
#end
#end
    put_weights(thread, &sums);
#repeat t tiles
    add_weighted(thread, of_v, task.column + $tu * block, &outputs$t);
#end
  }

  workgroupBarrier();
  put_parts(thread, &totals);
  workgroupBarrier();
#loop r rows
  let row = row_at(thread, r);
  var total = 0.0;
  for (var i = 0u; i < side; i++) {
    total += part_at(row, i);
  }
#if logSum
  let share = 1.0 / total;
#else
  let share = 1.0;
#endif
#repeat t tiles
  store(task.first + row, task.column + $tu * block + value_at(thread), params.e, outputs$t[r] * share, false);
#end
  if (thread % side == 0u && task.column == 0u && task.first + row < task.end) {
    let at = query_row(task.first + row);
#if logSum
    logSum[at] = most[row] + log(total);
#else
    den[at] = total;
    rowMax[at] = most[row];
#endif
  }
#end
}
