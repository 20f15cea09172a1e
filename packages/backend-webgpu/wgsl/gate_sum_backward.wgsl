// Gradients of log gates: sums of dA from the last token of the chunk, or the token before the next reset, back to each gate.
var<storage, read> dA: array<f32>;
var<storage, read> start: array<i32>;
var<storage, read_write> dlog_gate: array<f32>;

struct Sum {
  sum: f32,
  // Whether a boundary lies inside these tokens; the sum is that of the tokens before it.
  restarts: u32,
}

fn nothing() -> Sum {
  return Sum(0.0, 0u);
}

fn join(earlier: Sum, later: Sum) -> Sum {
  if (later.restarts != 0u) {
    return later;
  }
  return Sum(earlier.sum + later.sum, earlier.restarts);
}

// Whether a sum that runs backwards ends at this token.
fn first_of_its_sum(at: u32, token: u32) -> bool {
  return start[at] == i32(token) || token % params.chunk == 0u;
}

fn prepare(batch: u32, column: u32) {
}

fn element(at: u32, token: u32) -> Sum {
  let next = token + 1u;
  let restarts = next == params.length || first_of_its_sum(at + params.columns, next);
  return Sum(dA[at], u32(restarts));
}

fn emit(at: u32, token: u32, sum: Sum) {
  dlog_gate[at] = select(sum.sum, 0.0, start[at] == i32(token));
}

fn finish(batch: u32, column: u32, sum: Sum) {
}
