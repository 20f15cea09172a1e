// dβ from what each token moved: along θ/2π, over all pairs of a head where they share one β.
#import grid
struct Params {
  size: u32,
  columns: u32,
  half: u32,
}
var<uniform> params: Params;
var<storage, read> theta: array<f32>;
var<storage, read> moved: array<f32>;
var<storage, read_write> dbeta: array<f32>;

const per_radian = 0.15915494309189535;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = group_of(workgroup, workgroups) * 256u + thread;
  if (i >= params.size) {
    return;
  }
#if beta_per_pair
  dbeta[i] = moved[i] * theta[i % params.columns] * per_radian;
#else
  var sum = 0.0;
  for (var m = i * params.half; m < (i + 1u) * params.half; m++) {
    sum += moved[m] * theta[m % params.columns];
  }
  dbeta[i] = sum * per_radian;
#endif
}
