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
#repeat r rows
    let pairs$r = pairs_of_query(row_at(thread, $ru), columns);
    sums[$r] = select(vec4<f32>(least), scores(sums[$r], pairs$r.decay), pairs$r.seen);
    let sizes$r = size_of(sums[$r]);
    sizes[$r] = max(max(sizes$r.x, sizes$r.y), max(sizes$r.z, sizes$r.w));
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

#repeat r rows
    let grown$r = grown[row_at(thread, $ru)];
    // A row that has seen nothing yet has no largest score to compare with.
    sums[$r] = select(vec4<f32>(), weights_of(sums[$r], reference_of(most[row_at(thread, $ru)])), pairs$r.seen);
    totals[$r] = totals[$r] * grown$r + dot(sums[$r], vec4<f32>(1.0));
#repeat t tiles
    outputs$t[$r] *= grown$r;
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
#repeat r rows
  let row$r = row_at(thread, $ru);
  var total$r = 0.0;
  for (var i = 0u; i < side; i++) {
    total$r += part_at(row$r, i);
  }
#if logSum
  let share$r = 1.0 / total$r;
#else
  let share$r = 1.0;
#endif
#repeat t tiles
  store(task.first + row$r, task.column + $tu * block + value_at(thread), params.e, outputs$t[$r] * share$r, false);
#end
  if (thread % side == 0u && task.column == 0u && task.first + row$r < task.end) {
    let at = query_row(task.first + row$r);
#if logSum
    logSum[at] = most[row$r] + log(total$r);
#else
    den[at] = total$r;
    rowMax[at] = most[row$r];
#endif
  }
#end
}
