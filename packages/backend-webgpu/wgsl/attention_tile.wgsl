// The tile that attention computes with, forward and backward: block×block sums of products between the rows of two operands,
// and block×block products of weights with the rows of an operand. A thread holds 4·quads rows of four sums.
//
// The kernel gives `load(operand, row, column)`: four numbers of a row of the operand's block, from `column` on, 0 where there
// are none. Between a score and its row and column stand `row_at` and `column_at`: the columns of a thread lie `side` apart, so
// that neighbouring threads write neighbouring weights.
override block: u32 = 64;
// Steps of a product between two barriers.
override depth: u32 = 16;
override quads: u32 = 2;
// Rows of four sums that a thread holds, 4×4 blocks of the operands' rows and vectors of values that it loads per slice.
override rows: u32 = 8;
override row_loads: u32 = 1;
override value_loads: u32 = 2;

const side = block / 4u;
const threads = side * side / quads;
const slice = side * (depth / 4u);

var<workgroup> panel_a: array<vec4<f32>, depth * pitch>;
var<workgroup> panel_b: array<vec4<f32>, depth * pitch>;
// Set where an operand holds NaN or infinities, which weights of 0 hide.
var<workgroup> unbounded: atomic<u32>;

#import attention_place

fn row_at(thread: u32, r: u32) -> u32 {
  return (r / 4u) * (block / quads) + (thread / side) * 4u + r % 4u;
}

// Block number i of a slice of both operands, one column per step.
fn fetch_rows(a: u32, b: u32, i: u32, at: u32) -> mat4x4<f32> {
  let quad = i % slice / (depth / 4u);
  let column = at + i % (depth / 4u) * 4u;
  if (i < slice) {
    return transpose(mat4x4<f32>(
#repeat j 4
      load(a, quad * 4u + $ju, column),
#end
    ));
  }
  if (i < 2u * slice) {
    return transpose(mat4x4<f32>(
#repeat j 4
      load(b, quad + $ju * side, column),
#end
    ));
  }
  return mat4x4<f32>();
}

fn put_rows(i: u32, rows_of_four: mat4x4<f32>) {
  let at = i % (depth / 4u) * 4u * pitch + i % slice / (depth / 4u);
  if (i < slice) {
#repeat j 4
    panel_a[at + $ju * pitch] = rows_of_four[$j];
#end
  } else if (i < 2u * slice) {
#repeat j 4
    panel_b[at + $ju * pitch] = rows_of_four[$j];
#end
  }
}

// sums += the products of a's rows with b's, over `width` columns.
fn add_products(thread: u32, a: u32, b: u32, width: u32, sums: ptr<function, Sums>) {
  let row = thread / side;
  let column = thread % side;
  var ahead: array<mat4x4<f32>, row_loads>;
#repeat l row_loads
  ahead[$l] = fetch_rows(a, b, thread + $lu * threads, 0u);
#end
  for (var at = 0u; at < width; at += depth) {
    workgroupBarrier();
#repeat l row_loads
    put_rows(thread + $lu * threads, ahead[$l]);
#end
    workgroupBarrier();
    if (at + depth < width) {
#repeat l row_loads
      ahead[$l] = fetch_rows(a, b, thread + $lu * threads, at + depth);
#end
    }
    for (var step = 0u; step < depth; step++) {
      let four = panel_b[step * pitch + column];
#repeat i quads
      let a$i = panel_a[step * pitch + $iu * (side / quads) + row];
#repeat r 4
      (*sums)[$iu * 4u + $ru] += a$i[$r] * four;
#end
#end
    }
  }
}

// Every thread calls `add_products` or passes another barrier before this.
fn put_weights(thread: u32, values: ptr<function, Sums>) {
#repeat j 4
#repeat i quads
  weights[column_at(thread, $ju) * pitch + $iu * (side / quads) + thread / side] = vec4<f32>(
#repeat r 4
    (*values)[$iu * 4u + $ru][$j],
#end
  );
#end
#end
}

// One number for each row that the thread has sums of: what all threads of a row know of it, in place of the weights.
fn put_parts(thread: u32, parts: ptr<function, array<f32, rows>>) {
#repeat i quads
  weights[thread % side * pitch + $iu * (side / quads) + thread / side] = vec4<f32>(
#repeat r 4
    (*parts)[$iu * 4u + $ru],
#end
  );
#end
}

// Part i, below `side`, of a row.
fn part_at(row: u32, i: u32) -> f32 {
  return weights[i * pitch + row / 4u][row % 4u];
}

fn is_unbounded(four: vec4<f32>) -> vec4<bool> {
  return (bitcast<vec4<u32>>(four) & vec4<u32>(0x7f800000u)) == vec4<u32>(0x7f800000u);
}

// What `add_weighted` has left out: what is not finite, where its weight is not 0.
fn add_unbounded(thread: u32, operand: u32, first: u32, sums: ptr<function, Sums>) {
  let row = thread / side;
  for (var step = 0u; step < block; step++) {
    let four = load(operand, step, first + value_at(thread));
    let apart = is_unbounded(four);
    if (any(apart)) {
#repeat i quads
      let a$i = weights[step * pitch + $iu * (side / quads) + row];
#repeat r 4
      (*sums)[$iu * 4u + $ru] += select(vec4<f32>(), a$i[$r] * four, apart & vec4<bool>(a$i[$r] != 0.0));
#end
#end
    }
  }
}

fn fetch_values(operand: u32, i: u32, at: u32, first: u32) -> vec4<f32> {
  return load(operand, at + i / side, first + i % side * 4u);
}

// sums += weightsᵀ·values: columns [first, first + block) of an operand. A thread's sums are of the
// rows `row_at` and of the four columns from `value_at` on.
fn add_weighted(thread: u32, operand: u32, first: u32, sums: ptr<function, Sums>) {
  let row = thread / side;
  let column = thread % side;
  var ahead: array<vec4<f32>, value_loads>;
#repeat l value_loads
  ahead[$l] = fetch_values(operand, thread + $lu * threads, 0u, first);
#end
  for (var at = 0u; at < block; at += depth) {
    workgroupBarrier();
#repeat l value_loads
    if (thread + $lu * threads < depth * side) {
      let apart$l = is_unbounded(ahead[$l]);
      panel_b[(thread + $lu * threads) / side * pitch + column] = select(ahead[$l], vec4<f32>(), apart$l);
      if (any(apart$l)) {
        atomicStore(&unbounded, 1u);
      }
    }
#end
    workgroupBarrier();
    if (at + depth < block) {
#repeat l value_loads
      ahead[$l] = fetch_values(operand, thread + $lu * threads, at + depth, first);
#end
    }
    for (var step = 0u; step < depth; step++) {
      let four = panel_b[step * pitch + column];
#repeat i quads
      let a$i = weights[(at + step) * pitch + $iu * (side / quads) + row];
#repeat r 4
      (*sums)[$iu * 4u + $ru] += a$i[$r] * four;
#end
#end
    }
  }
  if (atomicLoad(&unbounded) != 0u) {
    add_unbounded(thread, operand, first, sums);
  }
}

fn value_at(thread: u32) -> u32 {
  return thread % side * 4u;
}
