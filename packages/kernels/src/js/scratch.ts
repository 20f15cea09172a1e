/** Work space that grows to the largest size asked for and stays: contents are whatever the last user left. */

/** Makes one growing block of doubles. Each call returns the same block, at least `size` long. */
export function scratch(): (size: number) => Float64Array {
  let block = new Float64Array(0);
  return (size) => {
    if (block.length < size) block = new Float64Array(size);
    return block;
  };
}

/** {@link scratch}, cleared up to `size`. */
export function zeroScratch(): (size: number) => Float64Array {
  const take = scratch();
  return (size) => take(size).fill(0, 0, size);
}

/** Rows whose features are held at once: enough for a good product, few enough for the cache. */
export function blockOf(D: number): number {
  return Math.max(4, Math.min(128, Math.floor(2 ** 18 / D)));
}
