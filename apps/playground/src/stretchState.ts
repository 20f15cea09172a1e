// What the page keeps of long texts that are read: means over parts of the position, each a quarter longer than the one before, so
// that a curve over many doublings is even.

import type { Reader, StretchEvent } from './messages';

/** What one model has read. */
export interface Reading {
  readonly position: number;
  readonly memoryBytes: number;
  readonly tokensPerSecond: number;
  /** Of the part that is being read. */
  readonly sum: number;
  readonly pieces: number;
  /** Losses of the parts, at their ends. */
  readonly points: readonly (readonly [position: number, nats: number])[];
}

export interface Stretch extends Readonly<Partial<Record<Reader, Reading>>> {
  readonly length: number;
  readonly seen: boolean;
}

const growth = 1.25;
const first = 64;
const partOf = (position: number) => Math.floor(Math.log(Math.max(1, position / first)) / Math.log(growth) + 1e-9);

export function stretched(stretch: Stretch | undefined, event: StretchEvent): Stretch {
  const { of, position, length, nats, memoryBytes, tokensPerSecond, seen } = event;
  const before = stretch?.[of] ?? { position: 0, sum: 0, pieces: 0, points: [] };
  const same = before.position > 0 && partOf(before.position) === partOf(position);
  const sum = same ? before.sum + nats : nats;
  const pieces = same ? before.pieces + 1 : 1;
  const points = [...(same ? before.points.slice(0, -1) : before.points), [position, sum / pieces] as const];
  return { ...stretch, length, seen, [of]: { position, memoryBytes, tokensPerSecond, sum, pieces, points } };
}
