// The tile of attention for adapters that compute on the CPU: see attention_tile.wgsl for what it does. Threads read what they need
// where they need it, as barriers cost more there; and they do so in few places, each a loop, as compiling takes most of the time
// and grows with the places where memory is read.
override block: u32 = 32;
override rows: u32 = 4;

const quads = 1u;
const side = block / 4u;
const threads = side * side;

#import attention_place

fn row_at(thread: u32, r: u32) -> u32 {
  return (thread / side) * 4u + r;
}

fn value_at(thread: u32) -> u32 {
  return thread % side * 4u;
}

// sums += the products of a's rows with b's, over `width` columns.
fn add_products(thread: u32, a: u32, b: u32, width: u32, sums: ptr<function, Sums>) {
  workgroupBarrier();
  for (var at = 0u; at < width; at += 4u) {
    // Of four rows of a, then of b.
    var fours: array<vec4<f32>, 8>;
    for (var i = 0u; i < 8u; i++) {
      let of_a = i < 4u;
      fours[i] = load(select(b, a, of_a), select(column_at(thread, i - 4u), row_at(thread, i), of_a), at);
    }
    let right = mat4x4<f32>(fours[4], fours[5], fours[6], fours[7]);
    for (var r = 0u; r < rows; r++) {
      (*sums)[r] += fours[r] * right;
    }
  }
}

// Every thread calls `add_products` or passes another barrier before this.
fn put_weights(thread: u32, values: ptr<function, Sums>) {
  for (var j = 0u; j < 4u; j++) {
    weights[column_at(thread, j) * pitch + thread / side] =
      vec4<f32>((*values)[0][j], (*values)[1][j], (*values)[2][j], (*values)[3][j]);
  }
}

// One number for each row that the thread has sums of: what all threads of a row know of it, in place of the weights.
fn put_parts(thread: u32, parts: ptr<function, array<f32, rows>>) {
  weights[thread % side * pitch + thread / side] = vec4<f32>((*parts)[0], (*parts)[1], (*parts)[2], (*parts)[3]);
}

// Part i, below `side`, of a row.
fn part_at(row: u32, i: u32) -> f32 {
  return weights[i * pitch + row / 4u][row % 4u];
}

fn is_unbounded(four: vec4<f32>) -> vec4<bool> {
  return (bitcast<vec4<u32>>(four) & vec4<u32>(0x7f800000u)) == vec4<u32>(0x7f800000u);
}

// sums += weightsᵀ·values: columns [first, first + block) of an operand. Weights of 0 hide what is not finite.
fn add_weighted(thread: u32, operand: u32, first: u32, sums: ptr<function, Sums>) {
  workgroupBarrier();
  for (var step = 0u; step < block; step++) {
    let four = load(operand, step, first + value_at(thread));
    let apart = is_unbounded(four);
    let own = weights[step * pitch + thread / side];
    for (var r = 0u; r < rows; r++) {
      (*sums)[r] += select(own[r] * four, vec4<f32>(), apart & vec4<bool>(own[r] == 0.0));
    }
  }
}
