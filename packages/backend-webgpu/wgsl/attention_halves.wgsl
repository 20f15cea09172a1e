// Products of the rows of two operands on matrix units where a number is kept in two halves, and a value in one: see attention_matrices.wgsl.
// What a thread loads is of one half of a block's columns first, then of the other. The panels hold one of these at a time, with the lower
// halves beside the upper ones, so that they take no more memory than whole columns in single halves.
fn add_products(thread: u32, a: u32, b: u32, width: u32, sums: ptr<function, Sums>) {
  let of_a = bufferView<array<f16, panel>>(&panel_a, 0u);
  let of_b = bufferView<array<f16, panel>>(&panel_b, 0u);
  let both_a = a != of_v;
  let both_b = b != of_v;
  let own_column_of_half = thread % (side / 2u) * 4u;
  for (var at = 0u; at < width; at += block) {
#repeat l loads
    let row$l = (thread + $lu % (loads / 2u) * threads) / (side / 2u);
    let column$l = $lu / (loads / 2u) * (block / 2u) + own_column_of_half;
    ahead_a[$l] = load(a, row$l, at + column$l);
    ahead_b[$l] = load(b, row$l, at + column$l);
#end
    let exponents = fit_operands();
    let scales = vec2<f32>(power_of_two(exponents.x), power_of_two(exponents.y));
#put matrices
#repeat h 2
    if ($hu > 0u) {
      workgroupBarrier();
    }
#repeat l loads
    if ($lu / (loads / 2u) == $hu) {
      put_a(row$l, own_column_of_half, ahead_a[$l] * scales.x, both_a);
      put_b(row$l, own_column_of_half, ahead_b[$l] * scales.y, both_b);
    }
#end
    workgroupBarrier();
    for (var step = 0u; step < block / 2u; step += 16u) {
#repeat g 2
#repeat i matrices_m
      let a$g_$i = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 16>, row_major>(of_a, (own_row + 16u * $iu) * pitch + $gu * (block / 2u) + step, pitch);
#end
#repeat j matrices_n
      let b$g_$j = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, col_major>(of_b, (own_column + 16u * $ju) * pitch + $gu * (block / 2u) + step, pitch);
#end
#end
#repeat i matrices_m
#repeat j matrices_n
      if (both_a) {
        sum$i_$j = subgroupMatrixMultiplyAccumulate(a1_$i, b0_$j, sum$i_$j);
      }
      if (both_b) {
        sum$i_$j = subgroupMatrixMultiplyAccumulate(a0_$i, b1_$j, sum$i_$j);
      }
      sum$i_$j = subgroupMatrixMultiplyAccumulate(a0_$i, b0_$j, sum$i_$j);
#end
#end
    }
#end
#put results
  }
}
