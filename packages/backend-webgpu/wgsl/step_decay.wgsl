// `row_decay` of one step: the gates of a head, `log_gate` [B, G] or [B, G, d], decay each row of its state.
#import numbers
#import decayed
#import rows
override gate_width: u32 = 1;
#if log_gate
var<storage, read> log_gate: array<f32>;
#endif

fn row_decay_root(row: u32, state: u32, begin: u32) -> f32 {
#if log_gate
  var sum = 0.0;
  var seen = true;
#if vector
#repeat r power
  {
    let log = log_gate[state * gate_width + row_index(row, $ru)];
    seen = seen && log >= -87.0;
    sum += log;
  }
#end
#else
  sum = log_gate[state];
  seen = sum >= -87.0;
#endif
  return select(0.0, exponential(0.5 * sum), seen);
#else
  return 1.0;
#endif
}
