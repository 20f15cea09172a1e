// largest[head] = bits of the largest finite |x| of a key/value head, or of what is there already: a workgroup looks at a share of it.
#import grid
#import numbers
const threads = 256u;
#import reduce
struct Params {
  length: u32,
  heads: u32,
  d: u32,
  shares: u32,
  share: u32,
  groups: u32,
}
var<uniform> params: Params;
// [B, length, heads, d]
var<storage, read> x: array<f32>;
var<storage, read_write> largest: array<atomic<u32>>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = group_of(workgroup, workgroups);
  if (group >= params.groups) {
    return;
  }
  let head = group / params.shares;
  let end = min((group % params.shares + 1u) * params.share, params.length * params.d);
  let first = head / params.heads * params.length * params.heads + head % params.heads;
  var most = 0.0;
  for (var i = group % params.shares * params.share + thread; i < end; i += threads) {
    let value = x[(first + i / params.d * params.heads) * params.d + i % params.d];
    if (is_finite(value)) {
      most = max(most, abs(value));
    }
  }
  most = workgroup_max(thread, most);
  if (thread == 0u) {
    // Bits of numbers that are not negative have the numbers' order.
    atomicMax(&largest[head], bitcast<u32>(most));
  }
}
