// y = f(a, b), one number for one; y may be a or b.
#import grid
struct Params {
  size: u32,
  scale: f32,
}
var<uniform> params: Params;
#if a
var<storage, read> a: array<vec4<f32>>;
#endif
#if b
var<storage, read> b: array<vec4<f32>>;
#endif
var<storage, read_write> y: array<vec4<f32>>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = group_of(workgroup, workgroups) * 256u + thread;
  if (i >= params.size) {
    return;
  }
#if a
  let left = a[i];
#else
  let left = y[i];
#endif
#if b
  let right = b[i];
#else
  let right = y[i];
#endif
#if multiply
  y[i] = left * right;
#else
  y[i] = left + params.scale * right;
#endif
}
