// Sums of log gates from the chunk's first token or the last reset, and the latest reset; see scan.wgsl.
#import fixed
var<storage, read> log_gate: array<f32>;
var<storage, read_write> A: array<f32>;
var<storage, read_write> start: array<i32>;

struct Sum {
  // −Σ log γ since the last restart inside these tokens.
  sum: vec4<u32>,
  latest: i32,
  restarts: u32,
}

fn nothing() -> Sum {
  return Sum(vec4<u32>(), -1, 0u);
}

fn join(earlier: Sum, later: Sum) -> Sum {
  if (later.restarts != 0u) {
    return Sum(later.sum, max(earlier.latest, later.latest), 1u);
  }
  return Sum(add_fixed(earlier.sum, later.sum), earlier.latest, earlier.restarts);
}

fn prepare(batch: u32, column: u32) {
}

fn element(at: u32, token: u32) -> Sum {
  let gate = log_gate[at];
  if (gate < -87.0) {
    return Sum(vec4<u32>(), i32(token), 1u);
  }
  return Sum(to_fixed(gate), -1, u32(token % params.chunk == 0u));
}

fn emit(at: u32, token: u32, sum: Sum) {
  let pair = from_fixed(sum.sum);
  A[at] = -pair.x;
  A[params.plane + at] = -pair.y;
  start[at] = sum.latest;
}

fn finish(batch: u32, column: u32, sum: Sum) {
}
