// The gradients of rotary: dx is dy turned back; a small turn moves a pair along its normal, and the angle between gradient
// and input does not change with the rotation.
#import grid
#import turns
struct Params {
  size: u32,
  half: u32,
  heads: u32,
  groups_of_heads: u32,
}
var<uniform> params: Params;
var<storage, read> x: array<vec2<f32>>;
var<storage, read> turns: array<f32>;
var<storage, read> dy: array<vec2<f32>>;
var<storage, read_write> dx: array<vec2<f32>>;
var<storage, read_write> dturns: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = group_of(workgroup, workgroups) * 256u + thread;
  if (i >= params.size) {
    return;
  }
  let per_group = params.heads / params.groups_of_heads;
  let group = i / params.half % params.groups_of_heads;
  let token = i / (params.half * params.groups_of_heads);
  let w = turned(turns[i]);
  var sum = 0.0;
  for (var head = group * per_group; head < (group + 1u) * per_group; head++) {
    let at = (token * params.heads + head) * params.half + i % params.half;
    let g = dy[at];
    let back = vec2<f32>(g.x * w.x + g.y * w.y, g.y * w.x - g.x * w.y);
    dx[at] = back;
    sum += back.y * x[at].x - back.x * x[at].y;
  }
  dturns[i] = 6.283185307179586 * sum;
}
