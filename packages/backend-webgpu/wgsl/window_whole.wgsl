// One token's answer from a window of keys and from the state behind it, in one launch: what `window_parts` and `window_join` do in two.
// A workgroup makes 4·`vectors` of a query's numbers. It finds φ(x) and the window's scores by itself, x the decayed query over a power
// of two, and brings both sides over one factor c = max(|score|, |q̃|) to the power p before they meet. What takes the time is
// reading the state: threads ask for their first `steps` rows of it before anything else.
#import grid
#import rows
#import numbers
#import whole_power
const threads = 256u;
#import reduce
override d: u32 = 64;
override gate_exponent: f32 = 1;
// Keys that the window has room for.
override window: u32 = 64;
// Vectors of four numbers of the answer.
override vectors: u32 = 16;
override steps: u32 = 8;
const lanes = threads / vectors;
// Rows of the state whose φ is found at once.
const chunk = 1024u;
struct Params {
  groups: u32,
  heads: u32,
  shared_by: u32,
  rows: u32,
  // Vectors of four in a row of the state.
  columns: u32,
  root: f32,
  normalized: u32,
}
var<uniform> params: Params;
// [B, H, d]
var<storage, read> q: array<vec4<f32>>;
// [B, window, G, d]
var<storage, read> k: array<vec4<f32>>;
var<storage, read> v: array<vec4<f32>>;
// [B]
var<storage, read> count: array<i32>;
#if log_gate
// [B, window, G]
var<storage, read> log_gate: array<f32>;
var<workgroup> logs: array<f32, window>;
#endif
var<storage, read> S: array<vec4<f32>>;
var<storage, read> Z: array<f32>;
var<storage, read_write> y: array<vec4<f32>>;

var<workgroup> x: array<f32, d>;
// What is left at the newest token of what was before each token, and of that token itself in the place behind.
var<workgroup> left: array<f32, window + 1u>;
var<workgroup> shares: array<f32, 4u * window>;
var<workgroup> scores: array<f32, window>;
var<workgroup> features: array<f32, chunk>;
var<workgroup> sums: array<vec4<f32>, threads>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = group_of(workgroup, workgroups);
  if (group >= params.groups) {
    return;
  }
  let per_query = (params.columns + vectors - 1u) / vectors;
  let query = group / per_query;
  let lane = thread / vectors;
  let own = group % per_query * vectors + thread % vectors;
  // Threads beyond the last column read the last one.
  let column = min(own, params.columns - 1u);
  let states = params.heads / params.shared_by;
  let state = query / params.shared_by;
  let first_row = state * params.rows;
  var ahead: array<vec4<f32>, steps>;
#repeat j steps
  ahead[$j] = S[(first_row + min(lane + $ju * lanes, params.rows - 1u)) * params.columns + column];
#end
  // Row of the window's oldest key.
  let first_key = state / states * window * states + state % states;
  let tokens = u32(clamp(count[state / states], 0, i32(window)));

#if log_gate
  for (var j = thread; j < tokens; j += threads) {
    logs[j] = log_gate[first_key + j * states];
  }
  workgroupBarrier();
  for (var j = thread; j <= tokens; j += threads) {
    var sum = 0.0;
    var seen = true;
    for (var i = j; i < tokens; i++) {
      seen = seen && logs[i] >= -87.0;
      sum += logs[i];
    }
    left[j] = select(0.0, exponential(sum * gate_exponent), seen);
  }
  workgroupBarrier();
  let decay = left[0];
#else
  let decay = 1.0;
#endif

  // The window's scores, four threads a key.
  for (var j = thread / 4u; j < tokens; j += threads / 4u) {
#if log_gate
    let factor = left[j + 1u];
#else
    let factor = 1.0;
#endif
    var sum = 0.0;
    if (factor != 0.0) {
      for (var i = thread % 4u; i < d / 4u; i += 4u) {
        sum += dot(q[query * (d / 4u) + i] * k[(first_key + j * states) * (d / 4u) + i], vec4<f32>(factor));
      }
    }
    shares[4u * j + thread % 4u] = sum;
  }
  workgroupBarrier();
  var largest = 0.0;
  for (var j = thread; j < tokens; j += threads) {
    let score = ((shares[4u * j] + shares[4u * j + 1u]) + (shares[4u * j + 2u] + shares[4u * j + 3u])) * params.root;
    scores[j] = score;
    largest = max(largest, abs(score));
  }

  var most = 0.0;
  for (var i = thread; i < d / 4u; i += threads) {
    let value = q[query * (d / 4u) + i] * decay;
#repeat j 4
    x[4u * i + $ju] = value[$j];
    most = max(most, abs(value[$j]));
#end
  }
  // 2^-n for a largest number in [2^n, 2^{n+1}): exact, whatever φ is raised to.
  let exponent = clamp(bitcast<u32>(workgroup_max(thread, most)) >> 23u, 1u, 253u);
  let scale = bitcast<f32>((254u - exponent) << 23u);
  var square = 0.0;
  for (var i = thread; i < d; i += threads) {
    let value = x[i] * scale;
    x[i] = value;
    square += value * value;
  }
  let back = bitcast<f32>(exponent << 23u) * params.root;
  let norm = sqrt(workgroup_sum(thread, square)) * back;
  let c = max(workgroup_max(thread, largest), norm);

  var sum = vec4<f32>();
  var divisor = 0.0;
  for (var first = 0u; first < params.rows; first += chunk) {
    workgroupBarrier();
    for (var i = thread; i < chunk; i += threads) {
      let row = first + i;
      if (row < params.rows) {
        var feature = row_weight(row);
#repeat r power
        feature *= x[row_index(row, $ru)];
#end
        features[i] = feature;
        divisor += feature * Z[first_row + row];
      }
    }
    workgroupBarrier();
    for (var begin = first; begin < min(first + chunk, params.rows); begin += lanes * steps) {
#repeat j steps
      if (begin + $ju * lanes + lane < params.rows) {
        sum += features[begin - first + $ju * lanes + lane] * ahead[$j];
      }
#end
#repeat j steps
      ahead[$j] = S[(first_row + min(begin + (steps + $ju) * lanes + lane, params.rows - 1u)) * params.columns + column];
#end
    }
  }
  if (norm > 0.0) {
    // One by one: the power of the ratio may be too small for a float where the product is not.
    let ratio = back / c;
#repeat r power
    sum *= ratio;
    divisor *= ratio;
#end
  } else {
    sum = vec4<f32>();
    divisor = 0.0;
  }
  if (c > 0.0) {
    for (var j = lane; j < tokens; j += lanes) {
      let weight = whole_power(scores[j] / c, power);
      if (weight != 0.0) {
        sum += weight * v[(first_key + j * states) * params.columns + column];
      }
    }
    for (var j = thread; j < tokens; j += threads) {
      divisor += whole_power(scores[j] / c, power);
    }
  }
  divisor = workgroup_sum(thread, divisor);
  sums[thread] = sum;
  for (var half = lanes / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
      sums[thread] += sums[thread + half * vectors];
    }
  }
  if (lane > 0u || own >= params.columns) {
    return;
  }
  var factor = whole_power(c, power);
  if (params.normalized != 0u) {
    factor = select(1.0 / divisor, 0.0, divisor == 0.0);
  }
  y[query * params.columns + own] = select(factor * sums[thread], vec4<f32>(), c == 0.0);
}
