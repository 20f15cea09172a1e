/** How fast streams are read, and in how much memory, by how much of them has been read: a few numbers for any length. */

import type { Pace } from './api';

/** A piece that has been read. */
interface PieceTime {
  readonly position: number;
  readonly context: number;
  readonly batch: number;
  readonly seconds: number;
  readonly memoryBytes: number;
}

interface Span {
  tokens: number;
  seconds: number;
  memoryBytes: number;
}

/** Adds up pieces: the first, then one of them, two, four and so on. */
export class PaceSums {
  private readonly spans = new Map<number, Span>();
  private first = 0;

  constructor(private readonly length: number) {}

  add({ position, context, batch, seconds, memoryBytes }: PieceTime): void {
    if (position === 0) this.first ||= context;
    const end = position + context;
    const to = Math.min(this.length, this.first * 2 ** Math.max(0, Math.ceil(Math.log2(end / this.first))));
    const span = this.spans.get(to) ?? { tokens: 0, seconds: 0, memoryBytes: 0 };
    span.tokens += context * batch;
    span.seconds += seconds;
    span.memoryBytes = Math.max(span.memoryBytes, memoryBytes / batch);
    this.spans.set(to, span);
  }

  rows(): Pace[] {
    return [...this.spans]
      .sort(([a], [b]) => a - b)
      .map(([to, { tokens, seconds, memoryBytes }]) => ({ to, tokensPerSecond: tokens / seconds, memoryBytes }));
  }
}
