// Layer norm (flag `centred`) or RMS norm of one row per workgroup, and with dy the gradient of its input. The gradient also
// leaves each row's mean and scale behind where weights have one. Numbers are taken relative to the first of their row, which
// loses nothing where they are far from 0 and near each other.
#import grid
override threads: u32 = 256;
#import reduce
#import norm_scale
struct Params {
  n: u32,
  eps: f32,
  groups: u32,
}
var<uniform> params: Params;
var<storage, read> x: array<f32>;
#if weight
var<storage, read> weight: array<f32>;
#endif
#if dy
var<storage, read> dy: array<f32>;
var<storage, read_write> dx: array<f32>;
#if statistics
var<storage, read_write> statistics: array<vec2<f32>>;
#endif
#else
#if bias
var<storage, read> bias: array<f32>;
#endif
var<storage, read_write> y: array<f32>;
#endif

fn weight_of(i: u32) -> f32 {
#if weight
  return weight[i];
#else
  return 1.0;
#endif
}

@compute @workgroup_size(threads)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let row = group_of(workgroup, workgroups);
  if (row >= params.groups) {
    return;
  }
  let at = row * params.n;
  let count = f32(params.n);
#if centred
  let first = x[at];
  var mean = 0.0;
  for (var i = thread; i < params.n; i += threads) {
    mean += x[at + i] - first;
  }
  mean = workgroup_sum(thread, mean) / count;
#else
  let first = 0.0;
  let mean = 0.0;
#endif
  var squares = vec2<f32>(0.0);
  for (var i = thread; i < params.n; i += threads) {
    squares += squares_of((x[at + i] - first) - mean);
  }
  let scale = norm_scale(workgroup_sums(thread, squares), count, params.eps);
#if dy
  var sums = vec2<f32>(0.0);
  for (var i = thread; i < params.n; i += threads) {
    let g = dy[at + i] * weight_of(i);
    sums += vec2<f32>(g, g * (((x[at + i] - first) - mean) * scale));
  }
  sums = workgroup_sums(thread, sums) / count;
#if centred
  let offset = sums.x;
#else
  let offset = 0.0;
#endif
  for (var i = thread; i < params.n; i += threads) {
    let g = dy[at + i] * weight_of(i) - offset;
#if one_direction
    // g is all along the row, 1 − hat² is what eps leaves of it, and the difference below would be rounding alone.
    dx[at + i] = scale * g * (params.eps * scale * scale);
#else
    let hat = ((x[at + i] - first) - mean) * scale;
    dx[at + i] = scale * (g - hat * sums.y);
#endif
  }
#if statistics
  if (thread == 0u) {
    statistics[row] = vec2<f32>(mean, scale);
  }
#endif
#else
  for (var i = thread; i < params.n; i += threads) {
    let value = ((x[at + i] - first) - mean) * scale * weight_of(i);
#if bias
    y[at + i] = value + bias[i];
#else
    y[at + i] = value;
#endif
  }
#endif
}
