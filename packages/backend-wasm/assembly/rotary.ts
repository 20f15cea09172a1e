// Rotation of neighbouring pairs (x_2m, x_2m+1) by a phase in turns.

import { rewind, take } from './arena';
import { cosSin4 } from './functions';

/** Cosines and sines of one token's `count` phases, each twice, sines with the signs of (−, +). */
function prepare(count: i32, turns: usize, padded: usize, cosine: usize, sine: usize, cosines: usize, sines: usize): void {
  memory.copy(padded, turns, <usize>count << 2);
  for (let m: usize = 0; m < <usize>count << 2; m += 16) cosSin4(v128.load(padded + m), cosine + m, sine + m);
  for (let m: usize = 0; m < <usize>count << 2; m += 8) {
    const c = v128.load64_zero(cosine + m);
    const s = v128.load64_zero(sine + m);
    v128.store(cosines + 2 * m, i32x4.shuffle(c, c, 0, 0, 1, 1));
    const twice = i32x4.shuffle(s, s, 0, 0, 1, 1);
    v128.store(sines + 2 * m, v128.xor(twice, i32x4(0x80000000, 0, 0x80000000, 0)));
  }
}

/** y = x turned; `back` turns the other way. d is even. */
@inline
function turn(d: i32, x: usize, cosines: usize, sines: usize, y: usize, back: bool): void {
  let i: usize = 0;
  for (const whole = <usize>(d & ~3) << 2; i < whole; i += 16) {
    const value = v128.load(x + i);
    const swapped = f32x4.mul(i32x4.shuffle(value, value, 1, 0, 3, 2), v128.load(sines + i));
    const straight = f32x4.mul(value, v128.load(cosines + i));
    v128.store(y + i, back ? f32x4.sub(straight, swapped) : f32x4.add(straight, swapped));
  }
  if (i < <usize>d << 2) {
    const c = load<f32>(cosines + i);
    const s = back ? -load<f32>(sines + i + 4) : load<f32>(sines + i + 4);
    const u = load<f32>(x + i);
    const v = load<f32>(x + i + 4);
    store<f32>(y + i, u * c - v * s);
    store<f32>(y + i + 4, u * s + v * c);
  }
}

/** `from … to` are tokens of the whole batch. */
export function rotary(from: i32, to: i32, H: i32, G: i32, d: i32, x: usize, turns: usize, y: usize): void {
  rewind();
  const half = d >> 1;
  const padded = take(G * half + 4);
  const cosine = take(G * half + 4);
  const sine = take(G * half + 4);
  const cosines = take(G * d + 8);
  const sines = take(G * d + 8);
  const perGroup = H / G;
  for (let token = from; token < to; token++) {
    prepare(G * half, turns + (<usize>(token * G * half) << 2), padded, cosine, sine, cosines, sines);
    for (let h = 0; h < H; h++) {
      const at = <usize>((token * H + h) * d) << 2;
      const phase = <usize>((h / perGroup) * d) << 2;
      turn(d, x + at, cosines + phase, sines + phase, y + at, false);
    }
  }
}

export function rotaryBackward(from: i32, to: i32, H: i32, G: i32, d: i32, x: usize, turns: usize, dy: usize, dx: usize, dturns: usize): void {
  rewind();
  const half = d >> 1;
  const padded = take(G * half + 4);
  const cosine = take(G * half + 4);
  const sine = take(G * half + 4);
  const cosines = take(G * d + 8);
  const sines = take(G * d + 8);
  const perGroup = H / G;
  const full: f32 = <f32>(2 * Math.PI);
  for (let token = from; token < to; token++) {
    prepare(G * half, turns + (<usize>(token * G * half) << 2), padded, cosine, sine, cosines, sines);
    memory.fill(dturns + (<usize>(token * G * half) << 2), 0, <usize>(G * half) << 2);
    for (let h = 0; h < H; h++) {
      const at = <usize>((token * H + h) * d) << 2;
      const phase = <usize>((h / perGroup) * d) << 2;
      turn(d, dy + at, cosines + phase, sines + phase, dx + at, true);
      // A small turn moves (u, v) along (−v, u); the angle between gradient and input does not change with the rotation.
      let out = dturns + (<usize>((token * G + h / perGroup) * half) << 2);
      for (let i: usize = 0; i < <usize>d << 2; i += 8, out += 4) {
        const along = load<f32>(dx + at + i + 4) * load<f32>(x + at + i) - load<f32>(dx + at + i) * load<f32>(x + at + i + 4);
        store<f32>(out, load<f32>(out) + full * along);
      }
    }
  }
}
