// The Jacobian of φ of power 2, for feature_gradient.wgsl: tiles are blocks of pairs x_i·x_j, i ≤ j, of a few i by eight j, so that a
// thread holds what it multiplies and most of what it sums in registers, under indexes that are known beforehand.
override d: u32 = 64;
// Rows i of a block: an eighth of tile_n.
override block_rows: u32 = 8;
const part_rows = block_rows / parts;
const root_of_2 = 1.4142135;
var<private> first_i: u32;
var<private> first_j: u32;

fn i_of(n: u32) -> u32 {
  return first_i + n / 8u;
}

fn j_of(n: u32) -> u32 {
  return first_j + n % 8u;
}

fn weights_of(n: u32) -> vec4<f32> {
  let i = i_of(n);
  let j = j_of(n) + vec4<u32>(0u, 1u, 2u, 3u);
  let there = (j < vec4<u32>(d)) & vec4<bool>(i < d);
  let weights = select(vec4<f32>(), vec4<f32>(root_of_2), j > vec4<u32>(i));
  return select(vec4<f32>(), select(weights, vec4<f32>(1.0), j == vec4<u32>(i)), there);
}

fn row_of(n: u32) -> u32 {
  let i = i_of(n);
  return i * (2u * d - i - 1u) / 2u + j_of(n);
}

fn x_of(at: u32, i: u32) -> f32 {
  if (i < width) {
    return x[at + i * params.padded];
  }
  return 0.0;
}

// Sums that are not in registers belong to this thread alone.
fn add_gradient(at: u32, i: u32, value: f32, is_first: bool) {
  if (i < width) {
    let place = at + i * params.padded;
    if (is_first) {
      dx[place] = value;
    } else {
      dx[place] += value;
    }
  }
}

fn contract(thread: u32, at: u32, mine: bool) {
  prefetch(thread, 0u);
  for (var i = 0u; i < d; i += block_rows) {
#repeat r block_rows
    var sum$r = 0.0;
    var x$r = 0.0;
    if (mine) {
      x$r = x_of(at, i + $ru);
    }
#end
    for (var j = i & ~7u; j < d; j += 8u) {
      put_features(thread);
      clear_results();
      multiply_fetched(thread, 0u, params.columns);
      first_j = j + 8u;
      if (first_j >= d) {
        first_i = i + block_rows;
        first_j = first_i & ~7u;
      }
      prefetch(thread, 0u);
      var low = vec4<f32>();
      var high = vec4<f32>();
      var x_low = vec4<f32>();
      var x_high = vec4<f32>();
      if (mine) {
        x_low = vec4<f32>(x_of(at, j), x_of(at, j + 1u), x_of(at, j + 2u), x_of(at, j + 3u));
        x_high = vec4<f32>(x_of(at, j + 4u), x_of(at, j + 5u), x_of(at, j + 6u), x_of(at, j + 7u));
      }
#repeat p parts
      put_results(thread, $pu);
      workgroupBarrier();
      if (mine) {
#repeat r block_rows
        if ($ru / part_rows == $pu) {
          let low$r = gradient_of($pu, 2u * ($ru % part_rows), thread);
          let high$r = gradient_of($pu, 2u * ($ru % part_rows) + 1u, thread);
          sum$r += dot(low$r, x_low) + dot(high$r, x_high);
          low += low$r * x$r;
          high += high$r * x$r;
        }
#end
      }
      workgroupBarrier();
#end
      if (mine) {
#repeat c 4
        add_gradient(at, j + $cu, low[$c], i == 0u);
        add_gradient(at, j + 4u + $cu, high[$c], i == 0u);
#end
      }
    }
    if (mine) {
#repeat r block_rows
      add_gradient(at, i + $ru, sum$r, false);
#end
    }
  }
}
