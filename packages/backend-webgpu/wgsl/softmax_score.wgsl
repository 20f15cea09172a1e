// Attention by softmax: a score is the product of its rows plus the decay between them, a weight its exponential.
const least = -1e30;

fn scores(products: vec4<f32>, decay: vec4<f32>) -> vec4<f32> {
  return products * params.scale + decay;
}

// What rows have the maximum of.
fn size_of(score: vec4<f32>) -> vec4<f32> {
  return score;
}

// What a row's weights need of its maximum.
fn reference_of(most: f32) -> f32 {
  return most;
}

fn weights_of(score: vec4<f32>, reference: f32) -> vec4<f32> {
  return exp(score - reference);
}

// What a sum of weights is multiplied by when the maximum of its row grows.
fn growth(old: f32, most: f32) -> f32 {
  return exp(old - most);
}

struct Slopes {
  weight: vec4<f32>,
  // Of the products, and of the decay.
  slope: vec4<f32>,
  decay: vec4<f32>,
}

// Weights once more, and the gradients of the products and of the decay, from the weights' own gradient; `most` is the log of a row's sum, `along`
// the part of the gradient that all its weights share.
fn slopes_of(products: vec4<f32>, decay: vec4<f32>, gradient: vec4<f32>, most: vec4<f32>, along: vec4<f32>) -> Slopes {
  let weight = exp(scores(products, decay) - most);
  let decayed = weight * (gradient - along);
  return Slopes(weight, decayed * params.scale, decayed);
}
