/**
 * What goes wrong on the device is known only later. Here it waits as a typed error until the next call or read throws it;
 * once one is there the backend is done for.
 */

import { BackendError, DeviceLostError, OutOfMemoryError, type SympowError } from '@sympow/kernels';

const remedy = 'Open the backend again and go on from the last checkpoint.';

export class Failures {
  private failure: SympowError | undefined;
  private closing = false;
  private readonly reports = new Set<Promise<void>>();

  constructor(private readonly device: GPUDevice) {
    void device.lost.then(({ reason, message }) => {
      if (this.closing) return;
      this.failure ??= new DeviceLostError({
        what: 'the GPU device',
        value: reason ?? 'lost',
        message: `the GPU device was lost (${[reason, message].filter(Boolean).join(': ') || 'no reason given'})`,
        expected: 'one that lives as long as the backend',
        remedy,
      });
    });
  }

  /** Runs `body`, which talks to the device, and remembers what the device has against it. */
  watch<R>(what: string, body: () => R): R {
    const { device } = this;
    const scopes = ['out-of-memory', 'internal', 'validation'] as const;
    scopes.forEach((scope) => device.pushErrorScope(scope));
    try {
      return body();
    } finally {
      for (const scope of [...scopes].reverse()) {
        // A device that is gone answers by `lost`.
        const report = device.popErrorScope().then(
          (error) => error && this.fail(what, scope, error),
          () => undefined,
        ) as Promise<void>;
        this.reports.add(report);
        void report.then(() => this.reports.delete(report));
      }
    }
  }

  /** @throws the first failure, if there was one */
  check(): void {
    if (this.failure) throw this.failure;
  }

  /** Waits for the device's word on everything so far. @throws the first failure */
  async settled(): Promise<void> {
    await Promise.all(this.reports);
    this.check();
  }

  /** For an operation that the device refused without saying why: waits for the reason. */
  async explain(cause: unknown): Promise<never> {
    await Promise.all(this.reports);
    // `lost` is reported in a turn of its own.
    await new Promise((resolve) => setTimeout(resolve));
    this.check();
    throw new DeviceLostError({
      what: 'the GPU device',
      value: String(cause),
      expected: 'one that answers',
      remedy,
      cause,
    });
  }

  /** From here on losing the device is what we want. */
  close(): void {
    this.closing = true;
  }

  private fail(what: string, scope: string, { message }: GPUError): void {
    if (scope === 'out-of-memory') {
      this.failure ??= new OutOfMemoryError({
        what: `memory of the GPU for ${what}`,
        value: message,
        expected: 'what the device has left',
        remedy: 'Use a smaller batch, context or model, and open the backend again.',
      });
    } else {
      this.failure ??= new BackendError({
        what: `${what} on the GPU`,
        value: message,
        message: `the GPU refuses ${what}: ${message}`,
        expected: 'work that it accepts',
        remedy: 'This is a fault of this package or of the driver; please report it.',
      });
    }
  }
}
