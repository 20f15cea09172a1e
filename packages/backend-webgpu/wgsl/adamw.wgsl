// One AdamW step of one parameter; nothing where the squared gradient norm is not finite.
#import grid
#import numbers
struct Params {
  size: u32,
  weight_decay: f32,
  beta1: f32,
  rest1: f32,
  beta2: f32,
  rest2: f32,
  eps: f32,
  clip: f32,
}
var<uniform> params: Params;
// What changes from step to step: the learning rate, the same over the first moment's correction, and the second's.
var<storage, read> step: array<f32>;
var<storage, read> squared_norm: array<f32>;
var<storage, read> grad: array<vec4<f32>>;
var<storage, read_write> weight: array<vec4<f32>>;
var<storage, read_write> m: array<vec4<f32>>;
var<storage, read_write> v: array<vec4<f32>>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = group_of(workgroup, workgroups) * 256u + thread;
  let square = squared_norm[0];
  if (i >= params.size || !is_finite(square) || is_nan(sqrt(square))) {
    return;
  }
  let g = grad[i] * min(1.0, params.clip / (sqrt(square) + 1e-6));
  let mean = params.beta1 * m[i] + params.rest1 * g;
  let spread = params.beta2 * v[i] + params.rest2 * g * g;
  m[i] = mean;
  v[i] = spread;
  let keep = 1.0 - step[0] * params.weight_decay;
  weight[i] = weight[i] * keep - step[1] * mean / (sqrt(spread) * step[2] + params.eps);
}
