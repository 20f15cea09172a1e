/** Rows for people. */

import type { Row } from './benchmark';

const columns: readonly { readonly head: string; readonly left?: boolean; readonly cell: (row: Row) => string }[] = [
  { head: 'benchmark', left: true, cell: ({ name }) => name },
  { head: 'shape', left: true, cell: ({ shape }) => shape },
  { head: 'ours', cell: ({ ours }) => figure(ours) },
  { head: 'peer', cell: ({ peer }) => figure(peer) },
  { head: 'unit', left: true, cell: ({ unit }) => unit },
  { head: 'ratio', cell: ({ ratio }) => `${figure(ratio)}×` },
  { head: 'peer is', left: true, cell: ({ peerName }) => peerName },
];

/** Columns of equal width, a line per row. */
export function table(rows: readonly Row[]): string {
  const lines = [columns.map(({ head }) => head), ...rows.map((row) => columns.map(({ cell }) => cell(row)))];
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const pad = (text: string, column: number) =>
    columns[column]!.left ? text.padEnd(widths[column]!) : text.padStart(widths[column]!);
  return lines.map((line) => line.map(pad).join('  ').trimEnd() + '\n').join('');
}

/** Three digits that count. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toPrecision(3);
}
