/** Rows for people. */

import { isSlower, type Comparison } from './against';
import type { Row } from './benchmark';

interface Column<R> {
  readonly head: string;
  readonly left?: boolean;
  readonly cell: (row: R) => string;
}

/** Rows of one run. */
export function table(rows: readonly Row[]): string {
  return lines(rows, [
    { head: 'benchmark', left: true, cell: ({ name }) => name },
    { head: 'shape', left: true, cell: ({ shape }) => shape },
    { head: 'ours', cell: ({ ours }) => figure(ours) },
    { head: 'peer', cell: ({ peer }) => figure(peer) },
    { head: 'unit', left: true, cell: ({ unit }) => unit },
    { head: 'ratio', cell: ({ ratio }) => `${figure(ratio)}×` },
    { head: 'peer is', left: true, cell: ({ peerName }) => peerName },
  ]);
}

/** Rows of two checkouts. */
export function comparison(rows: readonly Comparison[]): string {
  return lines(rows, [
    { head: 'benchmark', left: true, cell: ({ name }) => name },
    { head: 'shape', left: true, cell: ({ shape }) => shape },
    { head: 'here', cell: ({ ours }) => figure(ours) },
    { head: 'there', cell: ({ theirs }) => figure(theirs) },
    { head: 'unit', left: true, cell: ({ unit }) => unit },
    { head: 'medians', cell: ({ ratio }) => `${figure(ratio)}×` },
    { head: 'best', cell: ({ best }) => `${figure(best)}×` },
    { head: '', left: true, cell: (row) => (isSlower(row) ? 'slower' : '') },
  ]);
}

/** Columns of equal width, a line per row. */
function lines<R>(rows: readonly R[], columns: readonly Column<R>[]): string {
  const cells = [columns.map(({ head }) => head), ...rows.map((row) => columns.map(({ cell }) => cell(row)))];
  const widths = columns.map((_, column) => Math.max(...cells.map((line) => line[column]!.length)));
  const pad = (text: string, column: number) =>
    columns[column]!.left ? text.padEnd(widths[column]!) : text.padStart(widths[column]!);
  return cells.map((line) => line.map(pad).join('  ').trimEnd() + '\n').join('');
}

/** Three digits that count. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toPrecision(3);
}
