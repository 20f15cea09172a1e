// y = silu(gate)·up, or with dy its gradients.
#import grid
#import numbers
struct Params {
  size: u32,
}
var<uniform> params: Params;
var<storage, read> gate: array<vec4<f32>>;
var<storage, read> up: array<vec4<f32>>;
#if dy
var<storage, read> dy: array<vec4<f32>>;
var<storage, read_write> dgate: array<vec4<f32>>;
var<storage, read_write> dup: array<vec4<f32>>;
#else
var<storage, read_write> y: array<vec4<f32>>;
#endif

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = group_of(workgroup, workgroups) * 256u + thread;
  if (i >= params.size) {
    return;
  }
  let g = gate[i];
  let s = vec4<f32>(sigmoid(g.x), sigmoid(g.y), sigmoid(g.z), sigmoid(g.w));
#if dy
  dup[i] = dy[i] * g * s;
  dgate[i] = dy[i] * up[i] * s * (1.0 + g * (1.0 - s));
#else
  y[i] = g * s * up[i];
#endif
}
