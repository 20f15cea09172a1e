// y = a·bᵀ (+ bias) (+ y) for a few rows of a, as in decoding: what takes the time is reading b, once. 32 threads share a row
// of b, eight rows a workgroup.
#import grid
override rows: u32 = 1;
struct Params {
  n: u32,
  vectors: u32,
  accumulate: u32,
}
var<uniform> params: Params;
var<storage, read> a: array<vec4<f32>>;
var<storage, read> b: array<vec4<f32>>;
#if bias
var<storage, read> bias: array<f32>;
#endif
var<storage, read_write> y: array<f32>;

const lanes = 32u;
const columns = 8u;
var<workgroup> parts: array<f32, rows * columns * lanes>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let lane = thread % lanes;
  let column = group_of(workgroup, workgroups) * columns + thread / lanes;
  if (column < params.n) {
    var sums: array<vec4<f32>, rows>;
    for (var k = lane; k < params.vectors; k += lanes) {
      let operand = b[column * params.vectors + k];
#repeat r rows
      sums[$r] += a[$ru * params.vectors + k] * operand;
#end
    }
#repeat r rows
    parts[$ru * columns * lanes + thread] = dot(sums[$r], vec4<f32>(1.0));
#end
  }
  workgroupBarrier();
  if (lane < rows && column < params.n) {
    var sum = 0.0;
    for (var i = 0u; i < lanes; i++) {
      sum += parts[lane * columns * lanes + thread - lane + i];
    }
#if bias
    sum += bias[column];
#endif
    let at = lane * params.n + column;
    if (params.accumulate != 0u) {
      sum += y[at];
    }
    y[at] = sum;
  }
}
