// The first of a chunk's `tokens` that its last one sees, counted from the chunk's first, which is token `begin` of its sequence and
// has row `first_row`; in any dimension where there is a gate for each. The kernel passes `start` where that matters, and has the
// fields `heads` and `gate_width`.
#if start
var<storage, read> start: array<i32>;
#endif

fn first_shown(first_row: u32, begin: u32, tokens: u32) -> u32 {
#if start
  let last = (first_row + (tokens - 1u) * params.heads) * params.gate_width;
  var seen = start[last];
  for (var i = 1u; i < params.gate_width; i++) {
    seen = min(seen, start[last + i]);
  }
  return u32(max(seen, i32(begin))) - begin;
#else
  return 0u;
#endif
}
