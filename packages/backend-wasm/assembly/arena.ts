// Work space of one call, handed out from the front. The host sets its bounds, large enough for the call that comes.

/** 96 bytes where what is left of a vector loop is padded. Threads have their own. */
export let corner: usize = 0;
let first: usize = 0;
let next: usize = 0;
let end: usize = 0;

export function workspace(at: usize, bytes: usize): void {
  corner = at;
  first = at + 96;
  next = first;
  end = at + bytes;
}

/** Every kernel begins with this: what the last one took is free again. */
export function rewind(): void {
  next = first;
}

/** Where the work space stands, to give back with `release` what a loop takes in each round. */
export function mark(): usize {
  return next;
}

export function release(to: usize): void {
  next = to;
}

/** `count` 4-byte numbers on a 16-byte boundary. Traps when the host counted too little. */
export function take(count: usize): usize {
  const at = next;
  next = at + (((count << 2) + 15) & ~15);
  if (next > end) unreachable();
  return at;
}
