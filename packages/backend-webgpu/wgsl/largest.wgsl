// largest[at] = bits of the largest finite |x|, or of what is there already.
#import grid
#import numbers
const threads = 256u;
#import reduce
struct Params {
  size: u32,
  at: u32,
  groups: u32,
}
var<uniform> params: Params;
var<storage, read> x: array<f32>;
var<storage, read_write> largest: array<atomic<u32>>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = group_of(workgroup, workgroups);
  if (group >= params.groups) {
    return;
  }
  var most = 0.0;
  for (var i = group * threads + thread; i < params.size; i += params.groups * threads) {
    if (is_finite(x[i])) {
      most = max(most, abs(x[i]));
    }
  }
  most = workgroup_max(thread, most);
  if (thread == 0u) {
    // Bits of numbers that are not negative have the numbers' order.
    atomicMax(&largest[params.at], bitcast<u32>(most));
  }
}
