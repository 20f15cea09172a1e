// Items of different weights on one line, and which of them a position falls on.

/** Lays items end to end. An item of weight 0 takes no place and is never found. */
export class PrefixSums {
  /** Where each item ends. */
  private readonly ends: Float64Array;

  /** @param weightOf - a whole number of at least 0 for items 0 … count−1 */
  constructor(
    readonly count: number,
    weightOf: (item: number) => number,
  ) {
    this.ends = new Float64Array(count);
    let end = 0;
    for (let item = 0; item < count; item++) this.ends[item] = end += weightOf(item);
  }

  get total(): number {
    return this.start(this.count);
  }

  /** Where an item begins; the total for `count`. */
  start(item: number): number {
    return item === 0 ? 0 : this.ends[item - 1]!;
  }

  /** The item that a position, 0 … total−1, falls on. */
  find(position: number): number {
    let low = 0;
    let high = this.count - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.ends[middle]! > position) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
