// Attention by powers: a score is the product of its rows with the p-th root of the decay between them, a weight its p-th power
// relative to the largest of its row.
override power: u32 = 2;
const least = 0.0;

fn decay_factor(decay: vec4<f32>) -> vec4<f32> {
#if scalar_gates
  return exp(decay / f32(power)) * params.scale;
#else
  return vec4<f32>(params.scale);
#endif
}

fn scores(products: vec4<f32>, decay: vec4<f32>) -> vec4<f32> {
  return products * decay_factor(decay);
}

// What rows have the maximum of.
fn size_of(score: vec4<f32>) -> vec4<f32> {
  return abs(score);
}

// What a row's weights need of its maximum.
fn reference_of(most: f32) -> f32 {
  return select(0.0, 1.0 / most, most > 0.0);
}

fn powers(x: vec4<f32>, p: u32) -> vec4<f32> {
  var result = vec4<f32>(1.0);
  var base = x;
  for (var left = p; left > 0u; left >>= 1u) {
    if ((left & 1u) != 0u) {
      result *= base;
    }
    base *= base;
  }
  return result;
}

fn weights_of(score: vec4<f32>, reference: f32) -> vec4<f32> {
  return powers(score * reference, power);
}

// What a sum of weights is multiplied by when the maximum of its row grows.
fn growth(old: f32, most: f32) -> f32 {
  return powers(vec4<f32>(old * reference_of(most)), power).x;
}

struct Slopes {
  weight: vec4<f32>,
  // Of the products, and of the decay.
  slope: vec4<f32>,
  decay: vec4<f32>,
}

// Weights once more, and the gradients of the products and of the decay, from the weights' own gradient; `most` is the largest score of a row,
// `along` the gradient of the sum of its weights.
fn slopes_of(products: vec4<f32>, decay: vec4<f32>, gradient: vec4<f32>, most: vec4<f32>, along: vec4<f32>) -> Slopes {
  let factor = decay_factor(decay);
  let reference = select(vec4<f32>(), 1.0 / most, most > vec4<f32>());
  let ratio = products * factor * reference;
  let below = powers(ratio, power - 1u);
  let weight = below * ratio;
  let whole = gradient + along;
  return Slopes(weight, whole * f32(power) * below * reference * factor, whole * weight);
}
