// What attention reads: rows of queries, keys, values and output gradients of one head, and the gates of both sides. A kernel
// sets its head, and for each pair of blocks where they begin; blocks end at `query_end` and `key_end`.
//
// `prepared` holds two numbers per query row, from `pack_rows` or `row_products`, and then, from `gates_at` on, two pairs per
// gate, from `pack_gates`: head and tail of its sum, and the first token that is seen; from `offsets_at` on, one per row of the
// batch: where its first query stands among its keys.
struct Params {
  queries: u32,
  keys: u32,
  heads: u32,
  key_heads: u32,
  d: u32,
  e: u32,
  chunk: u32,
  chunks: u32,
  blocks: u32,
  splits: u32,
  gates_at: u32,
  offsets_at: u32,
  // Keys that a query sees at most, its own included.
  window: u32,
  // Gates of a token and head.
  gate_width: u32,
  scale: f32,
  groups: u32,
}
var<uniform> params: Params;
#if wide
alias Stored = vec4<f32>;
#else
alias Stored = f32;
#endif
var<storage, read> q: array<Stored>;
var<storage, read> k: array<Stored>;
var<storage, read> v: array<Stored>;
#if dy
var<storage, read> dy: array<Stored>;
#endif
#if prepared
var<storage, read> prepared: array<vec2<f32>>;
#endif

const of_q = 0u;
const of_k = 1u;
const of_v = 2u;
const of_dy = 3u;

var<private> batch: u32;
var<private> head: u32;
var<private> key_head: u32;
var<private> query_first: u32;
var<private> query_end: u32;
var<private> key_first: u32;
var<private> key_end: u32;
// Keys before the first query of this row of the batch.
var<private> offset: u32;

fn offset_of(row: u32) -> u32 {
#if offsets
  return u32(prepared[params.offsets_at + row].x);
#else
  return params.keys - params.queries;
#endif
}

// 0 where a row has ended.
fn within(four: vec4<f32>, column: u32, width: u32) -> vec4<f32> {
#if wide
  return four;
#else
  return select(vec4<f32>(), four, vec4<u32>(column) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(width));
#endif
}

fn query_row(token: u32) -> u32 {
  return (batch * params.queries + token) * params.heads + head;
}

fn key_row(token: u32) -> u32 {
  return (batch * params.keys + token) * params.key_heads + key_head;
}

#if gates
// Of the dimension i, or the one that scores are made with: it is the last, or alone.
fn gate_at(position: u32, i: u32) -> u32 {
  return params.gates_at + 2u * (key_row(position) * params.gate_width + i);
}

fn score_gate_at(position: u32) -> u32 {
  return gate_at(position, params.gate_width - 1u);
}

fn first_seen(position: u32, i: u32) -> u32 {
  return u32(max(prepared[gate_at(position, i) + 1u].x, 0.0));
}
#endif

#if vector_gates
// e^{A_to − A_of} of four dimensions.
fn decay(to: u32, of_key: u32, column: u32) -> vec4<f32> {
  var four: vec4<f32>;
#repeat j 4
  let to$j = prepared[gate_at(to, column + $ju)];
  let of$j = prepared[gate_at(of_key, column + $ju)];
  four[$j] = exp((to$j.x - of$j.x) + (to$j.y - of$j.y));
#end
  return four;
}

// The decay between two blocks is split at the first query: what a query has of it, 0 where it sees nothing before.
fn query_decay(token: u32, column: u32) -> vec4<f32> {
  var seen: vec4<bool>;
#repeat j 4
  seen[$j] = first_seen(token, column + $ju) <= query_first;
#end
  return select(vec4<f32>(), decay(token, query_first, column), seen);
}

// And what a key has: 0 where the first query does not see it.
fn key_decay(token: u32, column: u32) -> vec4<f32> {
  var seen: vec4<bool>;
#repeat j 4
  seen[$j] = first_seen(query_first, column + $ju) <= token;
#end
  return select(vec4<f32>(), decay(query_first, token, column), seen);
}
#endif

fn load_q(row: u32, column: u32) -> vec4<f32> {
  let token = query_first + row;
  if (token >= query_end || column >= params.d) {
    return vec4<f32>();
  }
  let at = query_row(token) * params.d + column;
#if wide
  let four = q[at / 4u];
#else
  let four = vec4<f32>(q[at], q[at + 1u], q[at + 2u], q[at + 3u]);
#endif
#if vector_gates
  let kept = query_decay(token, column);
  return within(select(four * kept, vec4<f32>(), kept == vec4<f32>()), column, params.d);
#else
  return within(four, column, params.d);
#endif
}

fn load_k(row: u32, column: u32) -> vec4<f32> {
  let token = key_first + row;
  if (token >= key_end || column >= params.d) {
    return vec4<f32>();
  }
  let at = key_row(token) * params.d + column;
#if wide
  let four = k[at / 4u];
#else
  let four = vec4<f32>(k[at], k[at + 1u], k[at + 2u], k[at + 3u]);
#endif
#if vector_gates
  let kept = key_decay(token, column);
  return within(select(four * kept, vec4<f32>(), kept == vec4<f32>()), column, params.d);
#else
  return within(four, column, params.d);
#endif
}

fn load_v(row: u32, column: u32) -> vec4<f32> {
  let token = key_first + row;
  if (token >= key_end || column >= params.e) {
    return vec4<f32>();
  }
  let at = key_row(token) * params.e + column;
#if wide
  return v[at / 4u];
#else
  return within(vec4<f32>(v[at], v[at + 1u], v[at + 2u], v[at + 3u]), column, params.e);
#endif
}

#if dy
fn load_dy(row: u32, column: u32) -> vec4<f32> {
  let token = query_first + row;
  if (token >= query_end || column >= params.e) {
    return vec4<f32>();
  }
  let at = query_row(token) * params.e + column;
#if wide
  return dy[at / 4u];
#else
  return within(vec4<f32>(dy[at], dy[at + 1u], dy[at + 2u], dy[at + 3u]), column, params.e);
#endif
}
#endif

fn load(operand: u32, row: u32, column: u32) -> vec4<f32> {
#if dy
  if (operand == of_dy) {
    return load_dy(row, column);
  }
#endif
  if (operand == of_q) {
    return load_q(row, column);
  }
  if (operand == of_k) {
    return load_k(row, column);
  }
  return load_v(row, column);
}
