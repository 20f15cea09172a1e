/** Which parts of one growing WebAssembly.Memory are taken: blocks by their offsets, the free ones in order of address. */

const pageBytes = 65536;
/** Vector loads may reach this far beyond the last number of a block. */
const slack = 64;
const alignment = 64;

interface Range {
  start: number;
  end: number;
}

export class Heap {
  private readonly free: Range[] = [];
  private readonly taken = new Map<number, number>();
  private top: number;

  /** Everything from `base` on is free. */
  constructor(
    readonly memory: WebAssembly.Memory,
    base: number,
  ) {
    this.top = Math.ceil(base / alignment) * alignment;
  }

  /** Offset of a new block. @throws RangeError when the memory cannot grow */
  allocate(bytes: number): number {
    const size = Math.max(alignment, Math.ceil(bytes / alignment) * alignment);
    const index = this.free.findIndex(({ start, end }) => end - start >= size);
    let start: number;
    if (index >= 0) {
      const range = this.free[index]!;
      start = range.start;
      range.start += size;
      if (range.start === range.end) this.free.splice(index, 1);
    } else {
      // A free range that touches the end is part of the new block.
      const last = this.free.at(-1);
      start = last?.end === this.top ? last.start : this.top;
      this.reserve(start + size);
      if (start !== this.top) this.free.pop();
      this.top = start + size;
    }
    this.taken.set(start, size);
    return start;
  }

  /** Bytes of a block. */
  sizeOf(start: number): number {
    return this.taken.get(start) ?? 0;
  }

  release(start: number): void {
    const size = this.taken.get(start);
    if (size === undefined) return;
    this.taken.delete(start);
    const next = this.free.findIndex((range) => range.start > start);
    const at = next < 0 ? this.free.length : next;
    this.free.splice(at, 0, { start, end: start + size });
    this.join(at);
    this.join(at - 1);
  }

  /** Joins the range at `index` with the one behind it where they touch. */
  private join(index: number): void {
    const [range, next] = [this.free[index], this.free[index + 1]];
    if (range && next && range.end === next.start) {
      range.end = next.end;
      this.free.splice(index + 1, 1);
    }
  }

  /** Grows the memory by a quarter at least, so that growing stays rare, or by what is needed where that is too much. */
  private reserve(end: number): void {
    const now = this.memory.buffer.byteLength;
    const needed = Math.ceil((end + slack - now) / pageBytes);
    if (needed <= 0) return;
    try {
      this.memory.grow(Math.max(needed, Math.ceil(now / 4 / pageBytes)));
    } catch {
      this.memory.grow(needed);
    }
  }
}
