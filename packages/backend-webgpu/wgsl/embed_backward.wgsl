// dweight[id, :] = Σ dy[r, :] over the rows r that hold id: one workgroup per row and block of columns, which does the sum when
// its row is the first that holds its id. Rows are added in order, so the result does not change from run to run.
#import grid
#if wide
alias Element = vec4<f32>;
#else
alias Element = f32;
#endif
struct Params {
  rows: u32,
  n: u32,
  count: u32,
  groups: u32,
}
var<uniform> params: Params;
var<storage, read> ids: array<i32>;
var<storage, read> dy: array<Element>;
var<storage, read_write> dweight: array<Element>;

const threads = 256u;
// Bit r of the rows that are looked at: whether it holds the id.
var<workgroup> holders: array<atomic<u32>, threads / 32u>;
var<workgroup> earlier: atomic<u32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = group_of(workgroup, workgroups);
  if (group >= params.groups) {
    return;
  }
  let blocks = (params.n + threads - 1u) / threads;
  let own = group / blocks;
  let column = group % blocks * threads + thread;
  let id = ids[own];
  if (id < 0 || u32(id) >= params.count) {
    return;
  }
  for (var row = thread; row < own; row += threads) {
    if (ids[row] == id) {
      atomicStore(&earlier, 1u);
    }
  }
  if (workgroupUniformLoad(&earlier) != 0u) {
    return;
  }
  var sum = Element();
  for (var begin = own; begin < params.rows; begin += threads) {
    if (thread < threads / 32u) {
      atomicStore(&holders[thread], 0u);
    }
    workgroupBarrier();
    if (begin + thread < params.rows && ids[begin + thread] == id) {
      atomicOr(&holders[thread / 32u], 1u << (thread % 32u));
    }
    workgroupBarrier();
    for (var word = 0u; word < threads / 32u; word++) {
      var bits = atomicLoad(&holders[word]);
      while (bits != 0u) {
        let row = begin + word * 32u + countTrailingZeros(bits);
        bits &= bits - 1u;
        if (column < params.n) {
          sum += dy[row * params.n + column];
        }
      }
    }
    workgroupBarrier();
  }
  if (column < params.n) {
    dweight[u32(id) * params.n + column] = sum;
  }
}
