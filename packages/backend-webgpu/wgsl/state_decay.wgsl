// `row_decay` of a whole chunk: what it leaves of each row of the state before it, e^{A} of its last token, for vector gates the
// product over the row's multi-index. Kept as its root: the factor itself may be smaller than a normal number while its products matter.
#import decay
#import decayed
#import rows

// `last` is the gates' row of the chunk's last token, `begin` the chunk's first token.
fn row_decay_root(row: u32, last: u32, begin: u32) -> f32 {
#if A
#if vector
  var sum = 0.0;
  var tail = 0.0;
  var seen = true;
#repeat r power
  {
    let at = gate_at(last, row_index(row, $ru));
    seen = seen && start[at] < i32(begin);
    sum += A[at];
    tail += A[params.plane + at];
  }
#end
  return select(0.0, exponential(0.5 * (sum + tail)), seen);
#else
  return state_decay(last, begin, 0u);
#endif
#else
  return 1.0;
#endif
}
