// The rows of the state one by one: their weights and multi-indices.
override power: u32 = 2;
#if rows
var<storage, read> rows: array<u32>;

fn row_weight(row: u32) -> f32 {
  return bitcast<f32>(rows[row * (power + 1u)]);
}

// Coordinate number r < p.
fn row_index(row: u32, r: u32) -> u32 {
  return rows[row * (power + 1u) + 1u + r];
}
#endif
