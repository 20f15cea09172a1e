// Running sums over time, in doubles: log gates with their resets, and rotary phases in turns. All columns go along
// together, so that memory is read in order.

import { rewind, take } from './arena';

const RESET_BELOW: f32 = -87;

export function gateSum(B: i32, T: i32, columns: i32, chunk: i32, logGate: usize, A: usize, start: usize): void {
  rewind();
  const sums = take(2 * columns);
  const latest = take(columns);
  const tail = <usize>(B * T * columns) << 2;
  let at: usize = 0;
  for (let b = 0; b < B; b++) {
    for (let c = 0; c < columns; c++) store<i32>(latest + (<usize>c << 2), -1);
    for (let t = 0; t < T; t++) {
      if (t % chunk == 0) memory.fill(sums, 0, <usize>columns << 3);
      for (let c = 0; c < columns; c++, at += 4) {
        const gate = load<f32>(logGate + at);
        let sum = load<f64>(sums + (<usize>c << 3));
        if (gate < RESET_BELOW) {
          sum = 0;
          store<i32>(latest + (<usize>c << 2), t);
        } else {
          sum += <f64>gate;
        }
        store<f64>(sums + (<usize>c << 3), sum);
        const head = <f32>sum;
        store<f32>(A + at, head);
        store<f32>(A + tail + at, <f32>(sum - <f64>head));
        store<i32>(start + at, load<i32>(latest + (<usize>c << 2)));
      }
    }
  }
}

export function gateSumBackward(B: i32, T: i32, columns: i32, chunk: i32, dA: usize, start: usize, dlogGate: usize): void {
  rewind();
  const sums = take(2 * columns);
  for (let b = 0; b < B; b++) {
    memory.fill(sums, 0, <usize>columns << 3);
    for (let t = T - 1; t >= 0; t--) {
      let at = <usize>((b * T + t) * columns) << 2;
      for (let c = 0; c < columns; c++, at += 4) {
        const sum = load<f64>(sums + (<usize>c << 3)) + <f64>load<f32>(dA + at);
        const reset = load<i32>(start + at) == t;
        store<f32>(dlogGate + at, reset ? 0 : <f32>sum);
        store<f64>(sums + (<usize>c << 3), reset || t % chunk == 0 ? 0 : sum);
      }
    }
  }
}

const TURN: f64 = 2 * Math.PI;

/** `columns` = G·half phases a token; β is 1 (`pairs` 0), one per `pairs` phases, or one per phase (`pairs` 1). */
export function phaseSum(
  B: i32, T: i32, columns: i32, pairs: i32, beta: usize, theta: usize, thetaTail: usize, phase: usize, resume: usize,
  turns: usize, last: usize,
): void {
  rewind();
  const sums = take(2 * columns);
  const rates = take(2 * columns);
  const tail = <usize>(B * columns) << 2;
  for (let c = 0; c < columns; c++) {
    const frequency = <f64>load<f32>(theta + (<usize>c << 2)) + (thetaTail ? <f64>load<f32>(thetaTail + (<usize>c << 2)) : 0);
    store<f64>(rates + (<usize>c << 3), frequency / TURN);
  }
  let at: usize = 0;
  let step = beta;
  for (let b = 0; b < B; b++) {
    for (let c = 0; c < columns; c++) {
      const place = <usize>(b * columns + c) << 2;
      let sum: f64 = phase ? <f64>load<f32>(phase + place) : 0;
      if (resume) sum = <f64>load<f32>(resume + place) + <f64>load<f32>(resume + tail + place);
      store<f64>(sums + (<usize>c << 3), sum);
    }
    for (let t = 0; t < T; t++) {
      const width = max(1, pairs);
      for (let c = 0; c < columns; c += width) {
        let increment: f64 = 1;
        if (pairs) {
          increment = <f64>load<f32>(step);
          step += 4;
        }
        for (let m = c; m < c + width; m++, at += 4) {
          const sum = load<f64>(sums + (<usize>m << 3)) + increment * load<f64>(rates + (<usize>m << 3));
          const wrapped = sum - Math.floor(sum + 0.5);
          store<f64>(sums + (<usize>m << 3), wrapped);
          store<f32>(turns + at, <f32>wrapped);
        }
      }
    }
    if (last) {
      for (let c = 0; c < columns; c++) {
        const place = <usize>(b * columns + c) << 2;
        const sum = load<f64>(sums + (<usize>c << 3));
        const head = <f32>sum;
        store<f32>(last + place, head);
        store<f32>(last + tail + place, <f32>(sum - <f64>head));
      }
    }
  }
}

export function phaseSumBackward(
  B: i32, T: i32, columns: i32, pairs: i32, beta: usize, theta: usize, dturns: usize, dbeta: usize, dtheta: usize, dphase: usize,
): void {
  rewind();
  const sums = take(2 * columns);
  const alongs = take(2 * columns);
  memory.fill(alongs, 0, <usize>columns << 3);
  const width = max(1, pairs);
  const groups = columns / width;
  for (let b = 0; b < B; b++) {
    memory.fill(sums, 0, <usize>columns << 3);
    for (let t = T - 1; t >= 0; t--) {
      for (let group = 0; group < groups; group++) {
        const token = <usize>((b * T + t) * groups + group) << 2;
        const step: f64 = pairs ? <f64>load<f32>(beta + token) : 1;
        let gradient: f64 = 0;
        for (let c = group * width; c < (group + 1) * width; c++) {
          const sum = load<f64>(sums + (<usize>c << 3)) + <f64>load<f32>(dturns + (<usize>((b * T + t) * columns + c) << 2));
          store<f64>(sums + (<usize>c << 3), sum);
          store<f64>(alongs + (<usize>c << 3), load<f64>(alongs + (<usize>c << 3)) + sum * step);
          gradient += sum * (<f64>load<f32>(theta + (<usize>c << 2)) / TURN);
        }
        if (dbeta) store<f32>(dbeta + token, <f32>gradient);
      }
    }
    if (dphase) {
      for (let c = 0; c < columns; c++) store<f32>(dphase + (<usize>(b * columns + c) << 2), <f32>load<f64>(sums + (<usize>c << 3)));
    }
  }
  if (dtheta) for (let c = 0; c < columns; c++) store<f32>(dtheta + (<usize>c << 2), <f32>(load<f64>(alongs + (<usize>c << 3)) / TURN));
}
