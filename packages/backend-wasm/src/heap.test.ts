import { describe, expect, it } from 'vitest';
import { Heap } from './heap';

const memoryOf = (maximum: number) => new WebAssembly.Memory({ initial: 1, maximum });

describe('the heap', () => {
  it('gives blocks that do not overlap, on 64-byte boundaries, above its base', () => {
    const heap = new Heap(memoryOf(100), 1000);
    const sizes = [1, 64, 100, 5000, 65536, 200_000];
    const blocks = sizes.map((bytes) => [heap.allocate(bytes), bytes] as const);
    let end = 1000;
    for (const [start, bytes] of blocks) {
      expect(start % 64).toBe(0);
      expect(start).toBeGreaterThanOrEqual(end);
      end = start + bytes;
    }
    expect(heap.memory.buffer.byteLength).toBeGreaterThanOrEqual(end + 16);
  });

  it('uses released blocks again, also joined with their neighbours in any order', () => {
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
      [1, 0, 2],
      [0, 2, 1],
    ]) {
      const heap = new Heap(memoryOf(100), 0);
      const blocks = [heap.allocate(64), heap.allocate(128), heap.allocate(64)];
      heap.allocate(64);
      for (const i of order) heap.release(blocks[i]!);
      expect(heap.allocate(256)).toBe(blocks[0]);
    }
  });

  it('does not grow for what fits between', () => {
    const heap = new Heap(memoryOf(100), 0);
    const hole = heap.allocate(1000);
    heap.allocate(64);
    heap.release(hole);
    const bytes = heap.memory.buffer.byteLength;
    for (let i = 0; i < 15; i++) expect(heap.allocate(64)).toBe(hole + 64 * i);
    expect(heap.memory.buffer.byteLength).toBe(bytes);
  });

  it('takes a free end of the memory into a larger block', () => {
    const heap = new Heap(memoryOf(100), 0);
    heap.allocate(64);
    const last = heap.allocate(10_000);
    heap.release(last);
    expect(heap.allocate(20_000)).toBe(last);
  });

  it('fails with a RangeError at the maximum and stays as it was', () => {
    const heap = new Heap(memoryOf(4), 0);
    const block = heap.allocate(100_000);
    expect(() => heap.allocate(200_000)).toThrow(RangeError);
    expect(heap.allocate(100_000)).toBe(block + 100_032);
  });

  it('ignores what was released already', () => {
    const heap = new Heap(memoryOf(100), 0);
    const block = heap.allocate(64);
    heap.release(block);
    heap.release(block);
    expect(heap.allocate(64)).not.toBe(heap.allocate(64));
  });
});
