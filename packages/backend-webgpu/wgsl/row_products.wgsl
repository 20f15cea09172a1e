// The log of a row's sum and Σ y·dy, which all weights of the row share: sixteen threads to a row.
#import grid
struct Params {
  rows: u32,
  width: u32,
}
var<uniform> params: Params;
var<storage, read> y: array<f32>;
var<storage, read> dy: array<f32>;
var<storage, read> logSum: array<f32>;
var<storage, read_write> prepared: array<vec2<f32>>;
var<workgroup> parts: array<f32, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let row = group_of(workgroup, workgroups) * 16u + thread / 16u;
  var sum = 0.0;
  if (row < params.rows) {
    for (var i = thread % 16u; i < params.width; i += 16u) {
      sum += y[row * params.width + i] * dy[row * params.width + i];
    }
  }
  parts[thread] = sum;
  workgroupBarrier();
  if (thread % 16u == 0u && row < params.rows) {
    var along = 0.0;
    for (var i = 0u; i < 16u; i++) {
      along += parts[thread + i];
    }
    prepared[row] = vec2<f32>(logSum[row], along);
  }
}
