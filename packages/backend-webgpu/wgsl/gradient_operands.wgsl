// What gradients of embedded rows are made of: gradients of answers or values, states, and numbers per token and head.
struct Params {
  length: u32,
  chunk: u32,
  chunks: u32,
  heads: u32,
  shared_by: u32,
  rows: u32,
  columns: u32,
  quads: u32,
  vectors: u32,
  padded: u32,
  groups: u32,
}
var<uniform> params: Params;
#if wide
alias Stored = vec4<f32>;
#else
alias Stored = f32;
#endif
// [B, T, heads, columns]
var<storage, read> values: array<Stored>;
#if scale
var<storage, read> scale: array<f32>;
var<storage, read> weight: array<f32>;
#endif
var<storage, read> S: array<Stored>;
var<storage, read> Z: array<f32>;
var<private> first_token: u32;
// Tokens of the chunk, its first row of values, and row 0 of its state.
var<private> count: u32;
var<private> first_row: u32;
var<private> first_state: u32;

fn four_of(at: u32, column: u32, tensor_is_state: bool) -> vec4<f32> {
  var four = vec4<f32>();
#if wide
  if (tensor_is_state) {
    return S[at / 4u];
  }
  return values[at / 4u];
#else
#repeat i 4
  if (column + $iu < params.columns) {
    if (tensor_is_state) {
      four[$i] = S[at + $iu];
    } else {
      four[$i] = values[at + $iu];
    }
  }
#end
  return four;
#endif
}

// Tokens beyond the last one, whose results nobody reads, are the last one.
fn row_of_token(m: u32) -> u32 {
  return first_row + min(first_token + m, count - 1u) * params.heads;
}
