// Joins what `attention_part` found in the spans of keys of a query; a workgroup has one query.
#import grid
struct Params {
  e: u32,
  spans: u32,
  groups: u32,
}
var<uniform> params: Params;
var<storage, read> part: array<f32>;
var<storage, read_write> y: array<f32>;
var<storage, read_write> logSum: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let row = group_of(workgroup, workgroups);
  if (row >= params.groups) {
    return;
  }
  let stride = params.e + 2u;
  let first = row * params.spans * stride;
  var largest = -1e30;
  for (var i = 0u; i < params.spans; i++) {
    largest = max(largest, part[first + i * stride + params.e]);
  }
  var total = 0.0;
  for (var i = 0u; i < params.spans; i++) {
    total += part[first + i * stride + params.e + 1u] * exp(part[first + i * stride + params.e] - largest);
  }
  for (var column = thread; column < params.e; column += 64u) {
    var sum = 0.0;
    for (var i = 0u; i < params.spans; i++) {
      sum += part[first + i * stride + column] * exp(part[first + i * stride + params.e] - largest);
    }
    y[row * params.e + column] = sum / total;
  }
  if (thread == 0u) {
    logSum[row] = largest + log(total);
  }
}
