// Streams: new tokens behind those that a memory holds, every row of the batch at its own place.

/** Rows of `bytes` each: T new ones of x for every row of the batch, into S of y. */
export function append(B: i32, T: i32, S: i32, bytes: i32, x: usize, offset: usize, y: usize): void {
  for (let b = 0; b < B; b++) {
    const place = load<i32>(offset + (<usize>b << 2));
    const count = min(T, S - place);
    if (place < 0 || count <= 0) continue;
    const from = x + <usize>(b * T) * <usize>bytes;
    memory.copy(y + (<usize>(b * S) + <usize>place) * <usize>bytes, from, <usize>count * <usize>bytes);
  }
}

/** The places behind them. */
export function moveOn(B: i32, T: i32, offset: usize, next: usize): void {
  for (let b: usize = 0; b < <usize>B << 2; b += 4) {
    const place = load<i32>(offset + b);
    store<i32>(next + b, place < 0 ? place : place + T);
  }
}
