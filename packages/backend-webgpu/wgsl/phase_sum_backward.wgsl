// What each token's β·θ, and the phase before them all, moved: sums of dturns from the last token back to each; see scan.wgsl.
var<storage, read> dturns: array<f32>;
var<storage, read_write> moved: array<f32>;

struct Sum {
  sum: f32,
}

fn nothing() -> Sum {
  return Sum(0.0);
}

fn join(earlier: Sum, later: Sum) -> Sum {
  return Sum(earlier.sum + later.sum);
}

fn prepare(batch: u32, column: u32) {
}

fn element(at: u32, token: u32) -> Sum {
  return Sum(dturns[at]);
}

fn emit(at: u32, token: u32, sum: Sum) {
  moved[at] = sum.sum;
}

fn finish(batch: u32, column: u32, sum: Sum) {
}
