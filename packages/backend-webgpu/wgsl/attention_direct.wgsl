// A block of queries and the same block of keys under gates per dimension that fall too steeply for their decay to be split
// between the two sides: every product has a decay of its own.
#import attention_operands
// How far a gate may fall inside a block, as an exponent, before the factors of a split could leave the range of a float.
const steepest = 40.0;
var<workgroup> steep: atomic<u32>;
var<workgroup> steep_for_all: u32;

// Whether these are the same block, and steep.
fn is_direct(thread: u32, key: u32, query: u32) -> bool {
  if (key != query) {
    return false;
  }
  if (thread == 0u) {
    atomicStore(&steep, 0u);
  }
  workgroupBarrier();
  for (var i = thread; i < params.d; i += threads) {
    let before = prepared[gate_at(query_first, i)];
    let after = prepared[gate_at(query_end - 1u, i)];
    if (first_seen(query_end - 1u, i) > query_first || (before.x - after.x) + (before.y - after.y) > steepest) {
      atomicStore(&steep, 1u);
    }
  }
  workgroupBarrier();
  if (thread == 0u) {
    steep_for_all = atomicLoad(&steep);
  }
  return workgroupUniformLoad(&steep_for_all) != 0u;
}

fn one_of_q(token: u32, i: u32) -> f32 {
  let at = query_row(token) * params.d + i;
#if wide
  return q[at / 4u][at % 4u];
#else
  return q[at];
#endif
}

fn one_of_k(token: u32, i: u32) -> f32 {
  let at = key_row(token) * params.d + i;
#if wide
  return k[at / 4u][at % 4u];
#else
  return k[at];
#endif
}

// e^{A_to − A_of}, 0 where `to` does not see `of_key`.
fn one_decay(to: u32, of_key: u32, i: u32) -> f32 {
  if (of_key > to || of_key < first_seen(to, i)) {
    return 0.0;
  }
  let a = prepared[gate_at(to, i)];
  let b = prepared[gate_at(of_key, i)];
  return exp((a.x - b.x) + (a.y - b.y));
}

// The product of a key, which is a column, or where the gradients of keys are computed a row, with a query.
fn direct_product(row: u32, column: u32) -> f32 {
#if dk
  let key = min(key_first + row, key_end - 1u);
  let query = min(query_first + column, query_end - 1u);
#else
  let query = min(query_first + row, query_end - 1u);
  let key = min(key_first + column, key_end - 1u);
#endif
  var sum = 0.0;
  if (key <= query) {
    for (var i = 0u; i < params.d; i++) {
      let factor = one_decay(query, key, i);
      if (factor != 0.0) {
        sum += one_of_q(query, i) * one_of_k(key, i) * factor;
      }
    }
  }
  return sum;
}

// Through the place of the weights, so that the code is there once and not for every sum.
fn direct_scores(thread: u32, sums: ptr<function, Sums>) {
  workgroupBarrier();
  for (var j = 0u; j < 4u; j++) {
    for (var i = 0u; i < quads; i++) {
      var four: vec4<f32>;
      for (var r = 0u; r < 4u; r++) {
        four[r] = direct_product(row_at(thread, i * 4u + r), column_at(thread, j));
      }
      weights[column_at(thread, j) * pitch + i * (side / quads) + thread / side] = four;
    }
  }
#repeat j 4
#repeat i quads
  let four$i$j = weights[column_at(thread, $ju) * pitch + $iu * (side / quads) + thread / side];
#repeat r 4
  (*sums)[$iu * 4u + $ru][$j] = four$i$j[$r];
#end
#end
#end
}

// Four numbers of the gradient of a query's row, from the weights of the block.
fn direct_query(row: u32, column: u32) -> vec4<f32> {
  var sum: vec4<f32>;
  let query = query_first + row;
  if (query >= query_end) {
    return sum;
  }
  for (var j = 0u; j <= row; j++) {
    let weight = weights[j * pitch + row / 4u][row % 4u];
#loop c 4
    if (column + c < params.d) {
      let factor = one_decay(query, key_first + j, column + c);
      if (weight != 0.0 && factor != 0.0) {
        sum[c] += weight * one_of_k(key_first + j, column + c) * factor;
      }
    }
#end
  }
  return sum;
}

// The same of a key's row; rows of weights are keys here.
fn direct_key(row: u32, column: u32) -> vec4<f32> {
  var sum: vec4<f32>;
  let key = key_first + row;
  for (var i = row; i < query_end - query_first; i++) {
    let weight = weights[i * pitch + row / 4u][row % 4u];
#loop c 4
    if (column + c < params.d) {
      let factor = one_decay(query_first + i, key, column + c);
      if (weight != 0.0 && factor != 0.0) {
        sum[c] += weight * one_of_q(query_first + i, column + c) * factor;
      }
    }
#end
  }
  return sum;
}

// A decay of 0 hides even what is not finite.
fn decayed_four(four: vec4<f32>, by: vec4<f32>) -> vec4<f32> {
  return select(four * by, vec4<f32>(), by == vec4<f32>());
}

// The decays that split products are still to be multiplied by, 0 outside the block.
fn decay_of_query(row: u32, column: u32) -> vec4<f32> {
  if (query_first + row >= query_end || column >= params.d) {
    return vec4<f32>();
  }
  return within(query_decay(query_first + row, column), column, params.d);
}

fn decay_of_key(row: u32, column: u32) -> vec4<f32> {
  if (key_first + row >= key_end || column >= params.d) {
    return vec4<f32>();
  }
  return within(key_decay(key_first + row, column), column, params.d);
}
