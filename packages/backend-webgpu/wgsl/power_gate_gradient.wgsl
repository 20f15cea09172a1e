// Gradient of the sums of gates: what a token's queries and keys say about the decay on them. Of a scalar gate both are sums over pairs of
// tokens: dA holds the keys' share. Of gates by dimension they are products of queries and keys with their own gradients.
#import grid
struct Params {
  size: u32,
  d: u32,
  shared_by: u32,
}
var<uniform> params: Params;
#if vector_gates
var<storage, read> q: array<f32>;
var<storage, read> k: array<f32>;
var<storage, read> dq: array<f32>;
var<storage, read> dk: array<f32>;
#else
// By heads that share a key.
var<storage, read> row_totals: array<f32>;
#endif
var<storage, read_write> dA: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let own = group_of(workgroup, workgroups) * 256u + thread;
  if (own >= params.size) {
    return;
  }
  var sum = 0.0;
#if vector_gates
  let row = own / params.d;
  let i = own % params.d;
  for (var h = 0u; h < params.shared_by; h++) {
    let at = (row * params.shared_by + h) * params.d + i;
    sum += q[at] * dq[at];
  }
  dA[own] = sum - k[own] * dk[own];
#else
  for (var h = 0u; h < params.shared_by; h++) {
    sum += row_totals[own * params.shared_by + h];
  }
  dA[own] += sum;
#endif
}
