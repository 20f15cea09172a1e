// Cross-entropy of one row of logits per workgroup against its target, or with dloss the gradient of the logits.
#import grid
#import numbers
const threads = 256u;
#import reduce
struct Params {
  n: u32,
  groups: u32,
}
var<uniform> params: Params;
var<storage, read> logits: array<f32>;
var<storage, read> targets: array<i32>;
#if dloss
var<storage, read> dloss: array<f32>;
var<storage, read_write> dlogits: array<f32>;
#else
var<storage, read_write> loss: array<f32>;
#endif

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let row = group_of(workgroup, workgroups);
  if (row >= params.groups) {
    return;
  }
  let at = row * params.n;
  let expected = targets[row];
  if (expected < 0 || u32(expected) >= params.n) {
    let value = select(nan(), 0.0, expected < 0);
#if dloss
    for (var i = thread; i < params.n; i += threads) {
      dlogits[at + i] = value;
    }
#else
    if (thread == 0u) {
      loss[row] = value;
    }
#endif
    return;
  }
  var most = -infinity();
  for (var i = thread; i < params.n; i += threads) {
    most = max(most, logits[at + i]);
  }
  most = workgroup_max(thread, most);
  var sum = 0.0;
  for (var i = thread; i < params.n; i += threads) {
    sum += exponential(logits[at + i] - most);
  }
  sum = workgroup_sum(thread, sum);
#if dloss
  let scale = dloss[row];
  for (var i = thread; i < params.n; i += threads) {
    let probability = exponential(logits[at + i] - most) / sum;
    dlogits[at + i] = scale * (probability - select(0.0, 1.0, i == u32(expected)));
  }
#else
  if (thread == 0u) {
    loss[row] = (most - logits[at + u32(expected)]) + log(sum);
  }
#endif
}
