// One token's answer from the parts that `window_parts` left: both sides are brought over one factor
// c = max(|score|, |q̃|) to the power p before they meet. A workgroup makes 16 of a query's numbers, in 16 shares of blocks and keys.
#import grid
#import whole_power
const threads = 256u;
#import reduce
const columns_per_group = 16u;
const shares = 16u;
struct Params {
  groups: u32,
  heads: u32,
  shared_by: u32,
  columns: u32,
  blocks: u32,
  window: u32,
  power: u32,
  normalized: u32,
}
var<uniform> params: Params;
var<storage, read> parts: array<f32>;
#if v
// [B, window, G, columns]
var<storage, read> v: array<f32>;
// [B]
var<storage, read> count: array<i32>;
#endif
var<storage, read_write> y: array<f32>;

var<workgroup> sums: array<vec2<f32>, threads>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = group_of(workgroup, workgroups);
  if (group >= params.groups) {
    return;
  }
  let groups_per_query = (params.columns + columns_per_group - 1u) / columns_per_group;
  let query = group / groups_per_query;
  let column = group % groups_per_query * columns_per_group + thread % columns_per_group;
  let share = thread / columns_per_group;
  let width = params.columns + 1u;
  let at = query * (params.blocks * width + 2u + params.window);
  let after = at + params.blocks * width;
  let norm = parts[after + 1u];
#if v
  let tokens = u32(clamp(count[query / params.heads], 0, i32(params.window)));
#else
  let tokens = 0u;
#endif
  var largest = norm;
  for (var j = thread; j < tokens; j += threads) {
    largest = max(largest, abs(parts[after + 2u + j]));
  }
  let c = workgroup_max(thread, largest);
  // The answer, and what it is divided by.
  var sum = vec2<f32>(0.0);
  if (norm > 0.0 && column < params.columns) {
    for (var block = share; block < params.blocks; block += shares) {
      sum += vec2<f32>(parts[at + block * width + column], parts[at + block * width + params.columns]);
    }
  }
#if v
  let states = params.heads / params.shared_by;
  let state = query / params.shared_by;
  let first_row = state / states * params.window * states + state % states;
  var near = vec2<f32>(0.0);
  if (c > 0.0 && column < params.columns) {
    for (var j = share; j < tokens; j += shares) {
      let weight = whole_power(parts[after + 2u + j] / c, params.power);
      if (weight != 0.0) {
        near += weight * vec2<f32>(v[(first_row + j * states) * params.columns + column], 1.0);
      }
    }
  }
#endif
  if (norm > 0.0) {
    // One by one: the power of the ratio may be too small for a float where the product is not.
    let ratio = parts[after] / c;
    for (var r = 0u; r < params.power; r++) {
      sum *= ratio;
    }
  }
#if v
  sum += near;
#endif
  sums[thread] = sum;
  workgroupBarrier();
  if (share > 0u || column >= params.columns) {
    return;
  }
  for (var other = 1u; other < shares; other++) {
    sum += sums[other * columns_per_group + thread];
  }
  var scale = whole_power(c, params.power);
  if (params.normalized != 0u) {
    scale = select(1.0 / sum.y, 0.0, sum.y == 0.0);
  }
  y[query * params.columns + column] = select(scale * sum.x, 0.0, c == 0.0);
}
