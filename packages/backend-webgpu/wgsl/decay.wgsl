// Decay of keys and queries of one key/value head, from the sums of its log gates; 1 without gates. The kernel passes `A` and
// `start` where there are gates, and has a field `plane` in its parameters: the size of `start`.
//
// `row` is (b·T + t)·G + g. Scalar gates (width 1) split over key and query, each with the p-th root, and `i` is ignored; vector
// gates (width d) have a factor of their own in each dimension i.
#import numbers
override gate_width: u32 = 1;
override gate_exponent: f32 = 1;
#if A
var<storage, read> A: array<f32>;
var<storage, read> start: array<i32>;

fn gate_at(row: u32, i: u32) -> u32 {
  return row * gate_width + select(0u, i, gate_width > 1u);
}

// A of row `to` minus A of row `of`, before the exponent.
fn gate_difference(to: u32, of_row: u32, i: u32) -> f32 {
  let x = gate_at(to, i);
  let y = gate_at(of_row, i);
  return (A[x] - A[y]) + (A[params.plane + x] - A[params.plane + y]);
}
#endif

// The first token that row `to` sees in dimension i; may be −1.
fn first_seen(to: u32, i: u32) -> i32 {
#if A
  return start[gate_at(to, i)];
#else
  return -1;
#endif
}

// e^{(A_to − A_of)}, to the exponent of the gates; may overflow where `of_row` is later than `to`.
fn decay_between(to: u32, of_row: u32, i: u32) -> f32 {
#if A
  return exponential(gate_difference(to, of_row, i) * gate_exponent);
#else
  return 1.0;
#endif
}

// e^{(A_to − A_of)} of the key of token j, which is row `of_row`; 0 where row `to` does not see it.
fn key_decay(to: u32, of_row: u32, j: u32, i: u32) -> f32 {
#if A
  if (i32(j) < start[gate_at(to, i)]) {
    return 0.0;
  }
#endif
  return decay_between(to, of_row, i);
}

// e^{A_row}: what is left at `row` of the state before the chunk whose first token is `begin`.
fn state_decay(row: u32, begin: u32, i: u32) -> f32 {
#if A
  let at = gate_at(row, i);
  if (start[at] >= i32(begin)) {
    return 0.0;
  }
  return exponential((A[at] + A[params.plane + at]) * gate_exponent);
#else
  return 1.0;
#endif
}
