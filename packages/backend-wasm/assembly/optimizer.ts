// AdamW in one pass over a parameter, and sums of squares.

import { sum4 } from './functions';
import { madd } from './tile';

export function sumSquares(n: i32, x: usize): f64 {
  let total: f64 = 0;
  let i = 0;
  while (i + 4 <= n) {
    let sum = f32x4.splat(0);
    for (const end = min(n & ~3, i + 4096); i < end; i += 4) {
      const value = v128.load(x + (<usize>i << 2));
      sum = madd(value, value, sum);
    }
    total += <f64>sum4(sum);
  }
  for (; i < n; i++) {
    const value = <f64>load<f32>(x + (<usize>i << 2));
    total += value * value;
  }
  return total;
}

export function adamw(
  from: i32, to: i32, w: usize, g: usize, m: usize, v: usize,
  scale: f32, keep: f32, beta1: f32, rest1: f32, beta2: f32, rest2: f32, rate: f32, correction: f32, eps: f32,
): void {
  let i = from;
  const scales = f32x4.splat(scale);
  const keeps = f32x4.splat(keep);
  const betas1 = f32x4.splat(beta1);
  const rests1 = f32x4.splat(rest1);
  const betas2 = f32x4.splat(beta2);
  const rests2 = f32x4.splat(rest2);
  const rates = f32x4.splat(rate);
  const corrections = f32x4.splat(correction);
  const epsilons = f32x4.splat(eps);
  for (; i + 4 <= to; i += 4) {
    const at = <usize>i << 2;
    const gradient = f32x4.mul(v128.load(g + at), scales);
    const mean = f32x4.add(f32x4.mul(betas1, v128.load(m + at)), f32x4.mul(rests1, gradient));
    const square = f32x4.add(f32x4.mul(betas2, v128.load(v + at)), f32x4.mul(rests2, f32x4.mul(gradient, gradient)));
    v128.store(m + at, mean);
    v128.store(v + at, square);
    const size = f32x4.add(f32x4.mul(f32x4.sqrt(square), corrections), epsilons);
    v128.store(w + at, f32x4.sub(f32x4.mul(v128.load(w + at), keeps), f32x4.div(f32x4.mul(rates, mean), size)));
  }
  for (; i < to; i++) {
    const at = <usize>i << 2;
    const gradient = load<f32>(g + at) * scale;
    const mean = beta1 * load<f32>(m + at) + rest1 * gradient;
    const square = beta2 * load<f32>(v + at) + rest2 * (gradient * gradient);
    store<f32>(m + at, mean);
    store<f32>(v + at, square);
    store<f32>(w + at, load<f32>(w + at) * keep - (rate * mean) / (sqrt<f32>(square) * correction + eps));
  }
}
