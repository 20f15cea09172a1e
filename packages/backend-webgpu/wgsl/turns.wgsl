// Cosine and sine of a phase in turns: an exact reduction to an eighth of a turn, then Taylor polynomials, which there are
// right to the last digit.
fn turned(turns: f32) -> vec2<f32> {
  let quarters = round(4.0 * turns);
  let a = (turns - 0.25 * quarters) * 6.283185307179586;
  let b = a * a;
  let s = a * (1.0 + b * (-1.0 / 6.0 + b * (1.0 / 120.0 + b * (-1.0 / 5040.0 + b / 362880.0))));
  let c = 1.0 + b * (-0.5 + b * (1.0 / 24.0 + b * (-1.0 / 720.0 + b / 40320.0)));
  let quadrant = u32(i32(quarters)) & 3u;
  let swapped = select(vec2<f32>(c, s), vec2<f32>(s, c), (quadrant & 1u) == 1u);
  let signs = vec2<f32>(
    select(1.0, -1.0, quadrant == 1u || quadrant == 2u),
    select(1.0, -1.0, quadrant >= 2u),
  );
  return swapped * signs;
}
