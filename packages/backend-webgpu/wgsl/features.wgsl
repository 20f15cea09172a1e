// φ in quads: four entries of φ(x) that share their prefix, a monomial of degree p−1, and whose last coordinates lie together.
// With the number of a quad, `table` gives what is needed to make them from x. Lanes that are no entry of φ weigh 0.
override prefix: u32 = 1;
override entry: u32 = 2;
var<storage, read> table: array<vec4<u32>>;

// Row of the state for lane 0; those of the other lanes follow.
fn quad_row(quad: u32) -> u32 {
  return table[quad * entry].x;
}

// Last coordinate of lane 0, a multiple of 4.
fn quad_last(quad: u32) -> u32 {
  return table[quad * entry].y;
}

fn quad_weights(quad: u32) -> vec4<f32> {
  return bitcast<vec4<f32>>(table[quad * entry + 1u]);
}

// Coordinate number r < p−1 of the prefix.
fn quad_prefix(quad: u32, r: u32) -> u32 {
  if (r < 4u) {
    return (table[quad * entry][2u + r / 2u] >> (16u * (r % 2u))) & 0xffffu;
  }
  let s = r - 4u;
  return (table[quad * entry + 2u + s / 8u][(s % 8u) / 2u] >> (16u * (s % 2u))) & 0xffffu;
}
