// Phases in turns; see scan.wgsl.
#import phases
var<storage, read_write> turns: array<f32>;

fn emit(at: u32, token: u32, sum: Sum) {
  turns[at] = in_turns(sum);
}
