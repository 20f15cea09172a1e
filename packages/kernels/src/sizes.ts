// The sizes of one call, as the door read them from its tensors: what a kernel would otherwise take from their shapes again.

/** The axes that entries speak of, in the order in which {@link Sizes} keeps them. */
export const axisNames = ['B', 'T', 'S', 'H', 'G', 'd', 'e', 'D', 'n', 'half', 'C', 'V', 'X', 'Y', 'gate'] as const;

/** −1 stands for what a call does not have. */
export class Sizes {
  /** By the order of {@link axisNames}; the door fills them in. */
  readonly slots: number[] = [-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1];
  /** The product of the axes that `…` stands for. */
  rows = -1;

  /** Batch. */
  get B(): number {
    return this.slots[0]!;
  }

  /** Time. */
  get T(): number {
    return this.slots[1]!;
  }

  /** Keys of attention by softmax, T or more. */
  get S(): number {
    return this.slots[2]!;
  }

  /** Query heads. */
  get H(): number {
    return this.slots[3]!;
  }

  /** Key/value heads. */
  get G(): number {
    return this.slots[4]!;
  }

  /** Key size. */
  get d(): number {
    return this.slots[5]!;
  }

  /** Value size. */
  get e(): number {
    return this.slots[6]!;
  }

  /** Embedded size. */
  get D(): number {
    return this.slots[7]!;
  }

  /** Chunks in the recurrence, the last axis elsewhere. */
  get n(): number {
    return this.slots[8]!;
  }

  /** Rows of a window. */
  get C(): number {
    return this.slots[10]!;
  }

  /** Rows that a block is copied from, and to. */
  get X(): number {
    return this.slots[12]!;
  }

  get Y(): number {
    return this.slots[13]!;
  }

  /** Vocabulary. */
  get V(): number {
    return this.slots[11]!;
  }
}
