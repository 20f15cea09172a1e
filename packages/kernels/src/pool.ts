/**
 * Blocks of memory that wait for the next tensor of their size. The one that was made first is handed out first: which block a
 * tensor gets depends on which are free, not on the order in which they were given back, so a loop whose shapes repeat gets the
 * same blocks every time round.
 */

/** A block of memory of one size class; `id` counts them as they are made. */
export interface Block<Buffer> {
  readonly buffer: Buffer;
  readonly bytes: number;
  readonly id: number;
  /** The tensor itself and its views. */
  owners: number;
}

/** Rounds up to one of eight sizes per octave: at most 12.5 % is wasted, and sizes that differ a little share buffers. */
export function sizeClass(bytes: number): number {
  if (bytes <= 64) return 64;
  const step = bytes < 2 ** 32 ? 2 ** (28 - Math.clz32(bytes)) : 2 ** (Math.floor(Math.log2(bytes)) - 3);
  return Math.ceil(bytes / step) * step;
}

export class Pool<Buffer> {
  /** By size, the first one last. */
  private readonly waiting = new Map<number, Block<Buffer>[]>();

  /** A block of this size; nothing where none waits. */
  take(bytes: number): Block<Buffer> | undefined {
    return this.waiting.get(bytes)?.pop();
  }

  put(block: Block<Buffer>): void {
    const waiting = this.waiting.get(block.bytes);
    if (!waiting) {
      this.waiting.set(block.bytes, [block]);
      return;
    }
    let [low, high] = [0, waiting.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (waiting[middle]!.id > block.id) low = middle + 1;
      else high = middle;
    }
    waiting.splice(low, 0, block);
  }

  *[Symbol.iterator](): Generator<Block<Buffer>, void, undefined> {
    for (const waiting of this.waiting.values()) yield* waiting;
  }

  clear(): void {
    this.waiting.clear();
  }
}
