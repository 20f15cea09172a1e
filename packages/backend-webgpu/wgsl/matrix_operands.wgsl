// Operands of `matrix_product` on their way from memory into panels.
// Where a thread's vector number i of a slice lies in a, its slice being the first. What is beyond the last row is the last one once
// more, and not stored.
fn place_a(offset: u32, first_row: u32, i: u32) -> u32 {
  let outer = i / (inner_a / 4u);
  let inner = i % (inner_a / 4u) * 4u;
#if transpose_a
  return (offset + outer * params.m + min(first_row + inner, params.m - 4u)) / 4u;
#else
  return (offset + min(first_row + outer, params.m - 1u) * params.k + inner) / 4u;
#endif
}

fn place_b(offset: u32, first_column: u32, i: u32) -> u32 {
  let outer = i / (inner_b / 4u);
  let inner = i % (inner_b / 4u) * 4u;
#if transpose_b
  return (offset + min(first_column + outer, params.n - 1u) * params.k + inner) / 4u;
#else
  return (offset + outer * params.n + min(first_column + inner, params.n - 4u)) / 4u;
#endif
}

// Its step of k in the slice.
fn step_a(i: u32) -> u32 {
#if transpose_a
  return i / (inner_a / 4u);
#else
  return i % (inner_a / 4u) * 4u;
#endif
}

fn step_b(i: u32) -> u32 {
#if transpose_b
  return i % (inner_b / 4u) * 4u;
#else
  return i / (inner_b / 4u);
#endif
}

fn put_a(i: u32, x: vec4<f32>) {
  let panel = bufferView<array<vec4<f16>, panels * size_a / 4u>>(&panel_a, 0u);
  let at = (i / (inner_a / 4u) * stride_a) / 4u + i % (inner_a / 4u);
#if split
  panel[at] = vec4<f16>(upper(x));
  panel[at + size_a / 4u] = vec4<f16>(lower(x));
#else
  panel[at] = vec4<f16>(x);
#endif
}

fn put_b(i: u32, x: vec4<f32>) {
  let panel = bufferView<array<vec4<f16>, panels * size_b / 4u>>(&panel_b, 0u);
  let at = (i / (inner_b / 4u) * stride_b) / 4u + i % (inner_b / 4u);
#if split
  panel[at] = vec4<f16>(upper(x));
  panel[at + size_b / 4u] = vec4<f16>(lower(x));
#else
  panel[at] = vec4<f16>(x);
#endif
}
