// A number times a factor, given by its root. A factor of 0 forgets even what is not finite.
fn decayed(root: f32, value: f32) -> f32 {
  return select(root * value * root, 0.0, root == 0.0);
}
