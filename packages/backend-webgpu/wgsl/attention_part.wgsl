// Softmax attention of single queries, as in decoding: a workgroup takes one query and `span` keys, and leaves what
// `attention_whole` joins: the sum of the weighted values, the largest score and the sum of the weights.
#import grid
const threads = 256u;
#import reduce
override span: u32 = 256;
// Threads that take neighbouring columns of the values; the others take other keys.
override lanes: u32 = 64;
struct Params {
  queries: u32,
  keys: u32,
  heads: u32,
  key_heads: u32,
  d: u32,
  e: u32,
  spans: u32,
  // Keys that a query sees at most.
  window: u32,
  // Size of `start`.
  plane: u32,
  // Gates of a token and head.
  gate_width: u32,
  scale: f32,
  groups: u32,
}
var<uniform> params: Params;
var<storage, read> q: array<f32>;
#if wide
var<storage, read> k: array<vec4<f32>>;
#else
var<storage, read> k: array<f32>;
#endif
var<storage, read> v: array<f32>;
#if A
var<storage, read> A: array<f32>;
var<storage, read> start: array<i32>;
#endif
#if offset
var<storage, read> offset: array<i32>;
#endif
var<storage, read_write> part: array<f32>;

var<workgroup> weights: array<f32, span>;
var<workgroup> sums: array<f32, threads>;

@compute @workgroup_size(threads)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = group_of(workgroup, workgroups);
  if (group >= params.groups) {
    return;
  }
  let row = group / params.spans;
  let head = row % params.heads;
  let token = row / params.heads % params.queries;
  let batch = row / (params.heads * params.queries);
  let key_head = head / (params.heads / params.key_heads);
#if offset
  let before = u32(clamp(offset[batch], 0, i32(params.keys - params.queries)));
#else
  let before = params.keys - params.queries;
#endif
  let position = before + token;
  let lowest = max(position + 1u, params.window) - params.window;
  let first = (lowest / span + group % params.spans) * span;
  let own = (batch * params.keys + position) * params.key_heads + key_head;
  let end = min(first + span, position + 1u);
#if gates
  // The gate that is added to scores is the last of a token, or alone.
  let own_gate = own * params.gate_width + params.gate_width - 1u;
#endif

  var largest = -1e30;
  for (var i = thread; i < span; i += threads) {
    let key = first + i;
    var score = -1e30;
    let at = (batch * params.keys + key) * params.key_heads + key_head;
#if gates
    let seen = key < end && key >= lowest && i32(key) >= start[own_gate];
#else
    let seen = key < end && key >= lowest;
#endif
    if (seen) {
      var sum = 0.0;
#if wide
      for (var c = 0u; c < params.d / 4u; c++) {
        let query = row * params.d + c * 4u;
        sum += dot(vec4<f32>(q[query], q[query + 1u], q[query + 2u], q[query + 3u]), k[at * params.d / 4u + c]);
      }
#else
      for (var c = 0u; c < params.d; c++) {
#if channels
        let to = own * params.gate_width + c;
        let from_key = at * params.gate_width + c;
        if (i32(key) >= start[to]) {
          let kept = exp((A[to] - A[from_key]) + (A[params.plane + to] - A[params.plane + from_key]));
          if (kept > 0.0) {
            sum += q[row * params.d + c] * k[at * params.d + c] * kept;
          }
        }
#else
        sum += q[row * params.d + c] * k[at * params.d + c];
#endif
      }
#endif
      score = sum * params.scale;
#if gates
      let key_gate = at * params.gate_width + params.gate_width - 1u;
      score += (A[own_gate] - A[key_gate]) + (A[params.plane + own_gate] - A[params.plane + key_gate]);
#endif
    }
    weights[i] = score;
    largest = max(largest, score);
  }
  largest = workgroup_max(thread, largest);
  var total = 0.0;
  for (var i = thread; i < span; i += threads) {
    let score = weights[i];
    let weight = select(0.0, exp(score - largest), score > -1e30);
    weights[i] = weight;
    total += weight;
  }
  total = workgroup_sum(thread, total);
  let out = group * (params.e + 2u);
  if (thread == 0u) {
    part[out + params.e] = largest;
    part[out + params.e + 1u] = total;
  }

  for (var column = 0u; column < params.e; column += lanes) {
    let own_column = column + thread % lanes;
    var sum = 0.0;
    if (own_column < params.e) {
      for (var i = thread / lanes; first + i < end; i += threads / lanes) {
        let weight = weights[i];
        if (weight > 0.0) {
          sum += weight * v[((batch * params.keys + first + i) * params.key_heads + key_head) * params.e + own_column];
        }
      }
    }
    workgroupBarrier();
    sums[thread] = sum;
    workgroupBarrier();
    if (thread < lanes && own_column < params.e) {
      for (var i = 1u; i < threads / lanes; i++) {
        sum += sums[i * lanes + thread];
      }
      part[out + own_column] = sum;
    }
  }
}
