/** Several ranks in one process, connected by promises. */

import { fromHalves, toHalves, type Communicator, type HalfType } from '@sympow/core';

/** What 16 bits keep of numbers, of which the largest float16 is about 2¹³ as between processes. */
function rounded(numbers: Float32Array, format: HalfType): Float32Array {
  const most = Math.max(...numbers.map(Math.abs));
  const scale = format === 'float16' && most > 0 ? 2 ** (13 - Math.floor(Math.log2(most))) : 1;
  const halves = toHalves(
    format,
    numbers.map((x) => x * scale),
  );
  return fromHalves(format, halves).map((x) => x / scale);
}

/** Sums in the order of the ranks, so that they are the same each time. */
export function ranksInOneProcess(size: number): Communicator[] {
  let waiting: { value: unknown; resolve: (all: unknown[]) => void; reject: (reason: unknown) => void }[] = [];
  let aborted: { reason: Error } | undefined;
  const last: Promise<unknown>[] = [];
  /** Calls of one rank are done one after the other. */
  const meet = (rank: number, value: unknown): Promise<unknown[]> => {
    const own = (last[rank] ?? Promise.resolve()).then(() => met(rank, value));
    last[rank] = own.catch(() => undefined);
    return own;
  };
  const met = (rank: number, value: unknown) =>
    new Promise<unknown[]>((resolve, reject) => {
      if (aborted) return reject(aborted.reason);
      waiting[rank] = { value, resolve, reject };
      if (Object.keys(waiting).length < size) return;
      const all = waiting;
      waiting = [];
      for (const each of all) each.resolve(all.map((one) => one.value));
    });
  return Array.from({ length: size }, (_, rank) => ({
    rank,
    size,
    async allReduce(numbers, operation, format = 'float32') {
      const half = format === 'float32' || operation === 'max' ? undefined : format;
      const all = (await meet(rank, half ? rounded(numbers, half) : numbers.slice())) as Float32Array[];
      for (let i = 0; i < numbers.length; i++) {
        const each = all.map((one) => one[i]!);
        numbers[i] = operation === 'sum' ? each.reduce((a, b) => a + b) : Math.max(...each);
      }
      if (half) numbers.set(rounded(numbers, half));
    },
    async broadcast(bytes, root) {
      return (await meet(rank, bytes))[root] as Uint8Array;
    },
    async barrier() {
      await meet(rank, undefined);
    },
    abort(reason) {
      aborted ??= { reason: reason as Error };
      for (const each of Object.values(waiting)) each.reject(reason);
      waiting = [];
    },
  }));
}
