// The power of two that brings the largest key of a head, or the root of its state, to 1; 1 where nothing is gained by that.
#import grid
const comfortable = 32;
const steepest = 126;
struct Params {
  size: u32,
  power: i32,
}
var<uniform> params: Params;
// Bits of the largest magnitudes.
var<storage, read> keys: array<u32>;
#if state
var<storage, read> state: array<u32>;
#endif
var<storage, read_write> scale: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let head = group_of(workgroup, workgroups) * 256u + thread;
  if (head >= params.size) {
    return;
  }
  let none = -100000;
  var n = none;
  if (keys[head] != 0u) {
    n = i32(keys[head] >> 23u) - 127;
  }
#if state
  if (state[head] != 0u) {
    let exponent = i32(state[head] >> 23u) - 127;
    // Rounded down, which a division of negative numbers is not.
    n = max(n, (exponent + 1024 * params.power) / params.power - 1024);
  }
#endif
  let needed = n != none && params.power * abs(n) > comfortable;
  scale[head] = select(1.0, bitcast<f32>(u32(127 - clamp(n, -steepest, steepest)) << 23u), needed);
}
