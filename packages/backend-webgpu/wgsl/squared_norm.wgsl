// y[at + group] = Σ of the squares, or with the flag `last` of the numbers, that fall to the group.
#import grid
const threads = 256u;
#import reduce
struct Params {
  size: u32,
  at: u32,
  groups: u32,
}
var<uniform> params: Params;
var<storage, read> x: array<f32>;
var<storage, read_write> y: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = group_of(workgroup, workgroups);
  if (group >= params.groups) {
    return;
  }
  var sum = 0.0;
  for (var i = group * threads + thread; i < params.size; i += params.groups * threads) {
#if last
    sum += x[i];
#else
    sum += x[i] * x[i];
#endif
  }
  sum = workgroup_sum(thread, sum);
  if (thread == 0u) {
    y[params.at + group] = sum;
  }
}
