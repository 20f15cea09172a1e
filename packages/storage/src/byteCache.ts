// What was read last, in a bounded number of bytes. What is asked for twice at once is read once.

/** A cache whose oldest entries leave when it holds too many bytes. An entry that is larger than all of it is not kept. */
export class ByteCache<V extends { readonly byteLength: number }> {
  private readonly entries = new Map<string, V>();
  private readonly loading = new Map<string, Promise<V>>();
  private held = 0;

  /** @param limit - most bytes that are kept */
  constructor(readonly limit: number) {}

  /** Bytes that are kept now. */
  get bytes(): number {
    return this.held;
  }

  /** An entry that is there. */
  peek(key: string): V | undefined {
    const value = this.entries.get(key);
    if (value !== undefined) {
      this.entries.delete(key);
      this.entries.set(key, value);
    }
    return value;
  }

  /** An entry, made where it is not there. What failed to be made is tried again the next time. */
  get(key: string, make: () => Promise<V>): Promise<V> {
    const value = this.peek(key);
    if (value !== undefined) return Promise.resolve(value);
    const begun = this.loading.get(key);
    if (begun) return begun;
    const promise: Promise<V> = make()
      .then((made) => {
        // What was dropped meanwhile is not kept.
        if (this.loading.get(key) === promise) this.keep(key, made);
        return made;
      })
      .finally(() => {
        if (this.loading.get(key) === promise) this.loading.delete(key);
      });
    this.loading.set(key, promise);
    return promise;
  }

  /** Forgets entries by their keys. */
  drop(which: (key: string) => boolean): void {
    for (const [key, { byteLength }] of this.entries) {
      if (!which(key)) continue;
      this.entries.delete(key);
      this.held -= byteLength;
    }
    for (const key of this.loading.keys()) if (which(key)) this.loading.delete(key);
  }

  private keep(key: string, value: V): void {
    if (value.byteLength > this.limit) return;
    this.entries.set(key, value);
    this.held += value.byteLength;
    for (const [oldest, { byteLength }] of this.entries) {
      if (this.held <= this.limit) break;
      this.entries.delete(oldest);
      this.held -= byteLength;
    }
  }
}
