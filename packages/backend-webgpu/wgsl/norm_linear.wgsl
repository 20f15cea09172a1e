// y_i = f_i(norm(x)·W_iᵀ + b_i) for up to five maps of a few rows of x, as a token that is decoded takes in every layer. What takes
// the time is reading weights: `lanes` threads share a row of them and ask for all of their numbers at once, before anything else.
// Meanwhile each workgroup finds the norms of all rows by itself, so that no normalised row is written.
#import grid
#import activations
override rows: u32 = 1;
override lanes: u32 = 32;
// Vectors of a row of weights for each thread.
override steps: u32 = 1;
const threads = 256u;
#import reduce
#import norm_scale
struct Params {
  groups: u32,
  vectors: u32,
  eps: f32,
#repeat i 5
  // Rows of the map's weights, its first workgroup, and what follows it.
  m$i: u32,
  first$i: u32,
  activation$i: u32,
#end
}
var<uniform> params: Params;
var<storage, read> x: array<vec4<f32>>;
#if normWeight
var<storage, read> normWeight: array<vec4<f32>>;
#endif
#if normBias
var<storage, read> normBias: array<vec4<f32>>;
#endif
#repeat i 5
#if weight$i
var<storage, read> weight$i: array<vec4<f32>>;
#endif
#if bias$i
var<storage, read> bias$i: array<f32>;
#endif
#if y$i
var<storage, read_write> y$i: array<f32>;
#endif
#end

const columns = threads / lanes;
// Sums over the lanes are made in two steps.
const shares = 8u;
var<workgroup> parts: array<f32, rows * threads>;

fn activated(value: f32, activation: u32) -> f32 {
  switch (activation) {
    case 1u: { return gelu(value); }
    case 2u: { return log_sigmoid(value); }
    case 3u: { return one_plus_tanh(value); }
    default: { return value; }
  }
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = group_of(workgroup, workgroups);
  if (group >= params.groups) {
    return;
  }
  let lane = thread % lanes;
  let vectors = params.vectors;
  var weights: array<vec4<f32>, steps>;
  var map = 0u;
#repeat i 5
#if y$i
  if (group >= params.first$i) {
    map = $iu;
  }
#endif
#end
  var column = 0u;
  var bias = 0.0;
  var activation = 0u;
#repeat i 5
#if y$i
  if (map == $iu) {
    column = (group - params.first$i) * columns + thread / lanes;
    activation = params.activation$i;
    let row = min(column, params.m$i - 1u);
#repeat j steps
    weights[$j] = weight$i[row * vectors + min(lane + $ju * lanes, vectors - 1u)];
#end
#if bias$i
    bias = bias$i[row];
#endif
  }
#endif
#end

  let count = 4.0 * f32(vectors);
#repeat r rows
  {
    let at = $ru * vectors;
#if centred
    let first = x[at].x;
    var mean = 0.0;
    for (var k = thread; k < vectors; k += threads) {
      mean += dot(x[at + k] - first, vec4<f32>(1.0));
    }
    mean = workgroup_sum(thread, mean) / count;
#else
    let first = 0.0;
    let mean = 0.0;
#endif
    var squares = vec2<f32>(0.0);
    for (var k = thread; k < vectors; k += threads) {
      let off = (x[at + k] - first) - mean;
      squares += squares_of(off.x) + squares_of(off.y) + squares_of(off.z) + squares_of(off.w);
    }
    let scale = norm_scale(workgroup_sums(thread, squares), count, params.eps);
    var sum = vec4<f32>(0.0);
#repeat j steps
    {
      let k = min(lane + $ju * lanes, vectors - 1u);
      var value = ((x[at + k] - first) - mean) * scale;
#if normWeight
      value *= normWeight[k];
#endif
#if normBias
      value += normBias[k];
#endif
      sum += select(vec4<f32>(0.0), value * weights[$j], lane + $ju * lanes < vectors);
    }
#end
    parts[$ru * threads + thread] = dot(sum, vec4<f32>(1.0));
  }
#end
  workgroupBarrier();
  let own = thread - lane;
#repeat r rows
  if (lane < shares) {
    var sum = 0.0;
    for (var i = lane; i < lanes; i += shares) {
      sum += parts[$ru * threads + own + i];
    }
    parts[$ru * threads + thread] = sum;
  }
#end
  workgroupBarrier();
  if (lane >= rows) {
    return;
  }
  var sum = 0.0;
  for (var i = 0u; i < shares; i++) {
    sum += parts[lane * threads + own + i];
  }
  let value = activated(sum + bias, activation);
#repeat i 5
#if y$i
  if (map == $iu && column < params.m$i) {
    y$i[lane * params.m$i + column] = value;
  }
#endif
#end
}
