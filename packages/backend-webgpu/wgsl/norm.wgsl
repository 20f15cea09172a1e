// Layer norm (flag `centred`) or RMS norm of one row per workgroup, and with dy the gradient of its input. The gradient also
// leaves each row's mean and scale behind where weights have one.
#import grid
override threads: u32 = 256;
#import reduce
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
  var mean = 0.0;
#if centred
  for (var i = thread; i < params.n; i += threads) {
    mean += x[at + i];
  }
  mean = workgroup_sum(thread, mean) / count;
#endif
  var square = 0.0;
  for (var i = thread; i < params.n; i += threads) {
    let off = x[at + i] - mean;
    square += off * off;
  }
  let scale = 1.0 / sqrt(workgroup_sum(thread, square) / count + params.eps);
#if dy
  var sum = 0.0;
  var along = 0.0;
  for (var i = thread; i < params.n; i += threads) {
    let g = dy[at + i] * weight_of(i);
    sum += g;
    along += g * ((x[at + i] - mean) * scale);
  }
  along = workgroup_sum(thread, along) / count;
#if centred
  let offset = workgroup_sum(thread, sum) / count;
#else
  let offset = 0.0;
#endif
  for (var i = thread; i < params.n; i += threads) {
    let g = dy[at + i] * weight_of(i) - offset;
#if one_direction
    // g is all along the row, 1 − hat² is what eps leaves of it, and the difference below would be rounding alone.
    dx[at + i] = scale * g * (params.eps * scale * scale);
#else
    let hat = (x[at + i] - mean) * scale;
    dx[at + i] = scale * (g - hat * along);
#endif
  }
#if statistics
  if (thread == 0u) {
    statistics[row] = vec2<f32>(mean, scale);
  }
#endif
#else
  for (var i = thread; i < params.n; i += threads) {
    let value = (x[at + i] - mean) * scale * weight_of(i);
#if bias
    y[at + i] = value + bias[i];
#else
    y[at + i] = value;
#endif
  }
#endif
}
