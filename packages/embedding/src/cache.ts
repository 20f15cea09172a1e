// Tables that depend on sizes alone are built once and shared, up to a budget; the one unused longest goes first.

/** A memory of built values within a budget of bytes. A value larger than the budget is built anew each time. */
export class BoundedCache<T> {
  private readonly values = new Map<string, { value: T; bytes: number }>();
  private held = 0;

  constructor(private readonly budget: number) {}

  /** The value under `key`, built if it is not there; `bytesOf` says what keeping it costs. */
  get(key: string, build: () => T, bytesOf: (value: T) => number): T {
    const known = this.values.get(key);
    if (known) {
      // A Map remembers insertion order: putting the entry back makes it the newest.
      this.values.delete(key);
      this.values.set(key, known);
      return known.value;
    }
    const value = build();
    const bytes = bytesOf(value);
    if (bytes <= this.budget) {
      this.values.set(key, { value, bytes });
      this.held += bytes;
      this.evict();
    }
    return value;
  }

  private evict(): void {
    for (const [key, { bytes }] of this.values) {
      if (this.held <= this.budget) return;
      this.values.delete(key);
      this.held -= bytes;
    }
  }
}
