// Keys decay by A_last − A_j: what they say about one end they say about the other with the sign turned. dA of a chunk's last
// token from those of the others; one gate of a chunk per workgroup.
#import grid
const threads = 64u;
#import reduce
struct Params {
  length: u32,
  chunk: u32,
  chunks: u32,
  heads: u32,
  width: u32,
  groups: u32,
}
var<uniform> params: Params;
var<storage, read_write> dA: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = group_of(workgroup, workgroups);
  if (group >= params.groups) {
    return;
  }
  let state = group / params.width;
  let begin = state / params.heads % params.chunks * params.chunk;
  let count = min(params.chunk, params.length - begin);
  let first = (state / (params.heads * params.chunks) * params.length + begin) * params.heads + state % params.heads;
  let at = first * params.width + group % params.width;
  let step = params.heads * params.width;
  var sum = 0.0;
  for (var t = thread; t + 1u < count; t += threads) {
    sum -= dA[at + t * step];
  }
  let total = workgroup_sum(thread, sum);
  if (thread == 0u) {
    dA[at + (count - 1u) * step] = total;
  }
}
