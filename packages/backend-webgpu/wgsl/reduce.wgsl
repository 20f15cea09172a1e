// Sums and maxima over a workgroup; the kernel defines `const threads`, a multiple of 16. Every thread gets the result, and
// it does not depend on the device. To be called in uniform control flow.
var<workgroup> partials: array<f32, threads>;
var<workgroup> columns_of_partials: array<f32, 16>;

fn workgroup_sum(thread: u32, value: f32) -> f32 {
  workgroupBarrier();
  partials[thread] = value;
  workgroupBarrier();
  if (thread < 16u) {
    var sum = 0.0;
    for (var i = thread; i < threads; i += 16u) {
      sum += partials[i];
    }
    columns_of_partials[thread] = sum;
  }
  workgroupBarrier();
  var sum = 0.0;
  for (var i = 0u; i < 16u; i++) {
    sum += columns_of_partials[i];
  }
  return sum;
}

var<workgroup> pairs: array<vec2<f32>, threads>;
var<workgroup> columns_of_pairs: array<vec2<f32>, 16>;

fn workgroup_sums(thread: u32, value: vec2<f32>) -> vec2<f32> {
  workgroupBarrier();
  pairs[thread] = value;
  workgroupBarrier();
  if (thread < 16u) {
    var sum = vec2<f32>(0.0);
    for (var i = thread; i < threads; i += 16u) {
      sum += pairs[i];
    }
    columns_of_pairs[thread] = sum;
  }
  workgroupBarrier();
  var sum = vec2<f32>(0.0);
  for (var i = 0u; i < 16u; i++) {
    sum += columns_of_pairs[i];
  }
  return sum;
}

fn workgroup_max(thread: u32, value: f32) -> f32 {
  workgroupBarrier();
  partials[thread] = value;
  workgroupBarrier();
  if (thread < 16u) {
    var most = partials[thread];
    for (var i = thread + 16u; i < threads; i += 16u) {
      most = max(most, partials[i]);
    }
    columns_of_partials[thread] = most;
  }
  workgroupBarrier();
  var most = columns_of_partials[0];
  for (var i = 1u; i < 16u; i++) {
    most = max(most, columns_of_partials[i]);
  }
  return most;
}
