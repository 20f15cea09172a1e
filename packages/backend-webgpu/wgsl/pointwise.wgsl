// y = forward(x), or dx = dy·slope(x), with the functions of the slot `operation`.
#import grid
#import operation
struct Params {
  size: u32,
}
var<uniform> params: Params;
var<storage, read> x: array<vec4<f32>>;
#if dy
var<storage, read> dy: array<vec4<f32>>;
var<storage, read_write> dx: array<vec4<f32>>;
#else
var<storage, read_write> y: array<vec4<f32>>;
#endif

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = group_of(workgroup, workgroups) * 256u + thread;
  if (i >= params.size) {
    return;
  }
  let input = x[i];
  var out: vec4<f32>;
#repeat j 4
#if dy
  out[$j] = slope(input[$j]);
#else
  out[$j] = forward(input[$j]);
#endif
#end
#if dy
  dx[i] = out * dy[i];
#else
  y[i] = out;
#endif
}
