// Gradient of the sums of gates: what a token's queries and keys, multiplied by their own gradients, say about the decay on them.
// Scalar gates have a sum over the dimensions, sixteen threads to a key/value row; gates per dimension have a thread each.
#import grid
struct Params {
  size: u32,
  d: u32,
  shared_by: u32,
  exponent: f32,
}
var<uniform> params: Params;
var<storage, read> q: array<f32>;
var<storage, read> k: array<f32>;
var<storage, read> dq: array<f32>;
var<storage, read> dk: array<f32>;
var<storage, read_write> dA: array<f32>;

// q·dq over the heads that share a key, less k·dk.
fn difference(row: u32, i: u32) -> f32 {
  var sum = 0.0;
  for (var h = 0u; h < params.shared_by; h++) {
    let at = (row * params.shared_by + h) * params.d + i;
    sum += q[at] * dq[at];
  }
  return sum - k[row * params.d + i] * dk[row * params.d + i];
}

#if vector_gates
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = group_of(workgroup, workgroups) * 256u + thread;
  if (i < params.size) {
    dA[i] = difference(i / params.d, i % params.d);
  }
}
#else
var<workgroup> parts: array<f32, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let row = group_of(workgroup, workgroups) * 16u + thread / 16u;
  var sum = 0.0;
  if (row < params.size) {
    for (var i = thread % 16u; i < params.d; i += 16u) {
      sum += difference(row, i);
    }
  }
  parts[thread] = sum;
  workgroupBarrier();
  if (thread % 16u == 0u && row < params.size) {
    var total = 0.0;
    for (var i = 0u; i < 16u; i++) {
      total += parts[thread + i];
    }
    dA[row] = total * params.exponent;
  }
}
#endif
