// Gradient of the sums of gates that decay channels: what a token's queries and its key, multiplied by their own gradients, say about
// the decay on them. Behind them that of the gate that is added to scores, where there is one.
#import grid
struct Params {
  size: u32,
  d: u32,
  shared_by: u32,
  width: u32,
}
var<uniform> params: Params;
var<storage, read> q: array<f32>;
var<storage, read> k: array<f32>;
var<storage, read> dq: array<f32>;
var<storage, read> dk: array<f32>;
#if added
var<storage, read> added: array<f32>;
#endif
var<storage, read_write> dA: array<f32>;

// Where a gradient is 0 its number has no say, whatever it is.
fn share(x: f32, dx: f32) -> f32 {
  if (dx == 0.0) {
    return 0.0;
  }
  return x * dx;
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = group_of(workgroup, workgroups) * 256u + thread;
  if (i >= params.size) {
    return;
  }
  let row = i / params.width;
  let channel = i % params.width;
#if added
  if (channel == params.d) {
    dA[i] = added[row];
    return;
  }
#endif
  var sum = 0.0;
  for (var h = 0u; h < params.shared_by; h++) {
    let at = (row * params.shared_by + h) * params.d + channel;
    sum += share(q[at], dq[at]);
  }
  let own = row * params.d + channel;
  dA[i] = sum - share(k[own], dk[own]);
}
