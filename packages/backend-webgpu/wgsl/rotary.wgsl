// Turns pairs of x by their phases.
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
var<storage, read_write> y: array<vec2<f32>>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = group_of(workgroup, workgroups) * 256u + thread;
  if (i >= params.size) {
    return;
  }
  let head = i / params.half % params.heads;
  let token = i / (params.half * params.heads);
  let group = head * params.groups_of_heads / params.heads;
  let w = turned(turns[(token * params.groups_of_heads + group) * params.half + i % params.half]);
  let pair = x[i];
  y[i] = vec2<f32>(pair.x * w.x - pair.y * w.y, pair.x * w.y + pair.y * w.x);
}
