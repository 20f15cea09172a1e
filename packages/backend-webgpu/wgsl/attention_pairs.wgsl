// The scores of a block of queries and a block of keys before their decay, which keys a query sees, and the decay between them.
// Both sides' gates lie in workgroup memory, by their place in the block.
#if vector_gates
#import attention_direct
#endif
#if gates
// The first key that a query sees, in any dimension.
var<workgroup> query_seen: array<u32, block>;
#endif
#if scalar_gates
var<workgroup> query_gates: array<vec2<f32>, block>;
var<workgroup> key_gates: array<vec2<f32>, block>;
var<workgroup> first_token: u32;
#endif
#if dy
// What the backward pass knows of a query's row: see `slopes_of`.
var<workgroup> query_stats: array<vec2<f32>, block>;
#endif

fn put_queries(thread: u32) {
  if (thread < block) {
    let token = min(query_first + thread, query_end - 1u);
#if scalar_gates
    query_gates[thread] = prepared[score_gate_at(offset + token)];
    query_seen[thread] = first_seen(offset + token, params.gate_width - 1u);
#else
#if hiding_gates
    var seen = first_seen(offset + token, 0u);
    for (var i = 1u; i < params.d; i++) {
      seen = min(seen, first_seen(offset + token, i));
    }
    query_seen[thread] = seen;
#else
#if gates
    query_seen[thread] = 0u;
#endif
#endif
#endif
#if dy
    query_stats[thread] = prepared[query_row(token)];
#endif
  }
}

fn put_keys(thread: u32) {
#if scalar_gates
  if (thread < block) {
    key_gates[thread] = prepared[score_gate_at(min(key_first + thread, key_end - 1u))];
  }
#endif
}

// The first key that any query of the block sees whose first one stands at `position`, in the chunk from `begin` on.
fn first_key(thread: u32, begin: u32, position: u32) -> u32 {
  let first = max(begin, max(position + 1u, params.window) - params.window);
#if scalar_gates
  if (thread == 0u) {
    first_token = max(first, first_seen(position, params.gate_width - 1u));
  }
  let seen = workgroupUniformLoad(&first_token);
#else
  let seen = first;
#endif
#if vector_gates
  // A block of keys has to begin where the queries do.
  return begin + (seen - begin) / block * block;
#else
  return seen;
#endif
}

// Products of the block of keys that begins at `key` with that of queries at `query`, both being the current ones; queries are
// rows, but where the gradients of keys are computed keys are.
fn add_scores(thread: u32, key: u32, query: u32, sums: ptr<function, Sums>) {
#if vector_gates
  if (is_direct(thread, key, query)) {
    direct_scores(thread, sums);
    workgroupBarrier();
    return;
  }
#endif
#if dk
  add_products(thread, of_k, of_q, params.d, sums);
#else
  add_products(thread, of_q, of_k, params.d, sums);
#endif
}

fn columns_of(thread: u32) -> vec4<u32> {
  return vec4<u32>(column_at(thread, 0u), column_at(thread, 1u), column_at(thread, 2u), column_at(thread, 3u));
}

struct Pairs {
  decay: vec4<f32>,
  seen: vec4<bool>,
}

// One query and four keys.
fn pairs_of_query(query: u32, keys: vec4<u32>) -> Pairs {
  let tokens = vec4<u32>(key_first) + keys;
  let position = vec4<u32>(offset + query_first + query);
  let causal = (tokens <= position) & (position < tokens + params.window);
#if scalar_gates
  let own = query_gates[query];
#repeat j 4
  let gate$j = key_gates[keys[$j]];
#end
  let heads = own.x - vec4<f32>(gate0.x, gate1.x, gate2.x, gate3.x);
  let tails = own.y - vec4<f32>(gate0.y, gate1.y, gate2.y, gate3.y);
  return Pairs(heads + tails, causal & (tokens >= vec4<u32>(query_seen[query])));
#else
#if vector_gates
  return Pairs(vec4<f32>(), causal & (tokens >= vec4<u32>(query_seen[query])));
#else
  return Pairs(vec4<f32>(), causal);
#endif
#endif
}

// One key and four queries; there may be fewer.
fn pairs_of_key(key: u32, queries: vec4<u32>) -> Pairs {
  let token = key_first + key;
  let tokens = vec4<u32>(query_first) + queries;
  let positions = vec4<u32>(offset) + tokens;
  let inside = (positions >= vec4<u32>(token)) & (positions < vec4<u32>(token + params.window));
  let causal = inside & (tokens < vec4<u32>(query_end));
#if gates
#repeat j 4
  let seen$j = query_seen[queries[$j]];
#end
  let seen = causal & (vec4<u32>(seen0, seen1, seen2, seen3) <= vec4<u32>(token));
#else
  let seen = causal;
#endif
#if scalar_gates
  let own = key_gates[key];
#repeat j 4
  let gate$j = query_gates[queries[$j]];
#end
  let heads = vec4<f32>(gate0.x, gate1.x, gate2.x, gate3.x) - own.x;
  let tails = vec4<f32>(gate0.y, gate1.y, gate2.y, gate3.y) - own.y;
  return Pairs(heads + tails, seen);
#else
  return Pairs(vec4<f32>(), seen);
#endif
}
