/** Time that the device spends in each kernel, by timestamp queries around every dispatch. */

import type { KernelTime } from './api';
import type { Failures } from './failures';
import { mapRead, usage } from './gpu';

export class Timer {
  private readonly queries: GPUQuerySet;
  private readonly resolved: GPUBuffer;
  private names: string[] = [];
  private readonly pending: Promise<void>[] = [];
  private totals = new Map<string, { launches: number; milliseconds: number }>();

  constructor(
    private readonly device: GPUDevice,
    private readonly mostLaunches: number,
  ) {
    const count = 2 * mostLaunches;
    this.queries = device.createQuerySet({ type: 'timestamp', count });
    this.resolved = device.createBuffer({ size: 8 * count, usage: usage.queryResolve | usage.copySource });
  }

  /** What the pass of the next dispatch has to write. */
  next(name: string): GPUComputePassTimestampWrites {
    const at = 2 * this.names.length;
    this.names.push(name);
    return { querySet: this.queries, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 };
  }

  /** Appends to a batch what brings its times out; call the result once the batch was submitted. */
  collect(encoder: GPUCommandEncoder): () => void {
    const { names } = this;
    if (names.length === 0) return () => undefined;
    this.names = [];
    const size = 16 * names.length;
    const staging = this.device.createBuffer({ size, usage: usage.mapRead | usage.copyTarget });
    encoder.resolveQuerySet(this.queries, 0, 2 * names.length, this.resolved, 0);
    encoder.copyBufferToBuffer(this.resolved, 0, staging, 0, size);
    return () => {
      this.pending.push(
        staging.mapAsync(mapRead).then(() => {
          const times = new BigInt64Array(staging.getMappedRange());
          names.forEach((name, i) => this.count(name, Number(times[2 * i + 1]! - times[2 * i]!) / 1e6));
          staging.destroy();
        }),
      );
    };
  }

  /** Waits for the batches that were submitted. */
  async take(failures: Failures): Promise<readonly KernelTime[]> {
    try {
      await Promise.all(this.pending.splice(0));
    } catch (cause) {
      await failures.explain(cause);
    }
    const { totals } = this;
    this.totals = new Map();
    return [...totals].map(([name, total]) => ({ name, ...total })).sort((a, b) => b.milliseconds - a.milliseconds);
  }

  destroy(): void {
    this.queries.destroy();
    this.resolved.destroy();
  }

  private count(name: string, milliseconds: number): void {
    const total = this.totals.get(name) ?? { launches: 0, milliseconds: 0 };
    total.launches++;
    total.milliseconds += milliseconds;
    this.totals.set(name, total);
  }
}
