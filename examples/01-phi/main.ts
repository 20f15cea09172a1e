// φ alone: vectors whose inner products are powers, and so a sum over all tokens that has one size.
import { embed, embeddedSize } from '@sympow/embedding';

const [d, power] = [8, 4];
const φ = (x: Float64Array): Float64Array => embed(x, { power });
const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0);

// The promise: φ(q)·φ(k) = (q·k)⁴.
const q = Float64Array.of(1, 2, 0, 1, -1, 0, 2, 1);
const k = Float64Array.of(2, 1, 1, 0, 1, 3, -1, 0);
console.log(dot(q, k) ** power, Math.round(dot(φ(q), φ(k)))); // 1 1
console.log(embeddedSize(d, power)); // 330

// A thousand tokens: each has a key and a value.
const wave = (t: number, i: number): number => Math.sin(0.37 * t * (i + 1) + i);
const keys = Array.from({ length: 1000 }, (_, t) => Float64Array.from({ length: d }, (_, i) => wave(t, i)));
const values = keys.map((_, t) => Math.cos(t / 100));

// Attention: the query meets every key, and all of them have to be kept.
const scores = keys.map((key) => dot(q, key) ** power);
const attention = scores.reduce((sum, s, t) => sum + s * values[t]!, 0) / scores.reduce((sum, s) => sum + s);

// The same as a recurrence: what was read is two sums of 330 numbers, however many tokens there were.
const S = new Float64Array(embeddedSize(d, power));
const Z = new Float64Array(S.length);
keys.forEach((key, t) => {
  φ(key).forEach((x, i) => {
    S[i]! += x * values[t]!;
    Z[i]! += x;
  });
});
const recurrence = dot(φ(q), S) / dot(φ(q), Z);

console.log(attention.toFixed(9) === recurrence.toFixed(9)); // true
