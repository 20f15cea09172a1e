// Where a thread of attention stands on lanes, and the weights that all threads of a block share: for the tile that gives `block`,
// `rows` and `side`.
const pitch = side + 1u;

alias Sums = array<vec4<f32>, rows>;
// Four rows of weights for each column: what `put_weights` keeps for `add_weighted`, and free for other use between the two.
var<workgroup> weights: array<vec4<f32>, block * pitch>;

// What a thread knows of its place; `thread_at` is called first.
struct Place {
  @builtin(local_invocation_index) thread: u32,
}

fn thread_at(place: Place) -> u32 {
  return place.thread;
}

fn column_at(thread: u32, j: u32) -> u32 {
  return thread % side + j * side;
}
