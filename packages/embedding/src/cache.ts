// Tables that depend on sizes alone are built once and shared, up to a budget; the one unused longest goes first.

/** A memory of built values within a budget of bytes: gives the value of a key, built if it is not there. A value larger than the budget is built anew each time. */
export function boundedCache<T>(budget: number, bytesOf: (value: T) => number): (key: string, build: () => T) => T {
  const values = new Map<string, T>();
  let held = 0;
  return (key, build) => {
    const value = values.get(key) ?? build();
    const bytes = bytesOf(value);
    if (bytes > budget) return value;
    // A Map remembers insertion order: putting the entry back makes it the newest.
    if (!values.delete(key)) held += bytes;
    values.set(key, value);
    for (const [oldest, one] of values) {
      if (held <= budget) break;
      values.delete(oldest);
      held -= bytesOf(one);
    }
    return value;
  };
}
