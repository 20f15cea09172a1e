// The order in which training reads a source that lies in chunks: chunk by chunk, so that each is read once in a pass, and
// at random within. Derived in the README.
import { Random } from '@sympow/core';
import type { ChunkLayout, Span, TokenSource } from './api';
import { DataError } from './errors';
import { PrefixSums } from './prefixSums';

/** Draws the rows of a run by their number. */
export interface RowOrder {
  /** Rows of one pass. */
  readonly rows: number;
  /** Row i of the run, as row `row` of a batch. */
  spanOf(i: number, row: number): Span;
}

/** The windows of some documents that share chunks. */
interface Group {
  readonly documents: Int32Array;
  /** Windows of all documents together. */
  readonly windows: number;
}

/**
 * Windows of T + 1 tokens, cut from the documents at T·c + a place that is drawn for each pass. A pass goes through the rows
 * of chunks in random order; in one, column by column; in a column, through the documents in random order. So every chunk is
 * needed for consecutive rows only (two neighbours where a window lies across their border), and every token of a document
 * is a target once a pass, but for less than T at its two ends.
 *
 * @throws DataError if no document has T + 1 tokens
 */
export function chunkOrder(source: TokenSource, chunks: ChunkLayout, context: number, seed: number): RowOrder {
  const groups = groupsOf(source, chunks, context);
  const sums = new PrefixSums(groups.length, (group) => groups[group]!.windows);
  const rows = sums.total;
  if (rows === 0) throw tooShort(source, context);
  let pass: Pass | undefined;
  let column: Column | undefined;

  function passOf(number: number): Pass {
    if (pass?.number === number) return pass;
    const random = new Random(seed, `order/${number}`);
    const order = random.permutation(groups.length);
    const sizes = new PrefixSums(groups.length, (place) => groups[order[place]!]!.windows);
    return (pass = { number, order, sizes, draw: random.uniform() });
  }

  return {
    rows,
    spanOf(i, row) {
      const current = passOf(Math.floor(i / rows));
      const at = i % rows;
      const place = current.sizes.find(at);
      const group = current.order[place]!;
      const within = at - current.sizes.start(place);
      if (
        !column ||
        column.pass !== current.number ||
        column.group !== group ||
        within < column.begin ||
        within >= column.end
      ) {
        column = columnOf(source, groups[group]!, context, seed, current.number, group, within);
      }
      const document = column.documents[within - column.begin]!;
      const spare = source.documentLength(document) - 1 - windowsOf(source, document, context) * context;
      const from = column.number * context + Math.floor(current.draw * (spare + 1));
      return { row, at: 0, document, from, length: context };
    },
  };
}

/** One pass through all rows. */
interface Pass {
  readonly number: number;
  readonly order: Uint32Array;
  readonly sizes: PrefixSums;
  /** Where windows begin, as a share of what they leave over: the same for all documents, so that they stay aligned. */
  readonly draw: number;
}

/** The windows c of the documents of a group, in the order in which they are read. */
interface Column {
  readonly pass: number;
  readonly group: number;
  readonly number: number;
  /** Rows of the group before it, and with it. */
  readonly begin: number;
  readonly end: number;
  readonly documents: Int32Array;
}

function columnOf(
  source: TokenSource,
  { documents }: Group,
  context: number,
  seed: number,
  pass: number,
  group: number,
  within: number,
): Column {
  // Rows in front of a column grow with its number, so that it is found in few steps, however many there are.
  const windows = Float64Array.from(documents, (document) => windowsOf(source, document, context));
  const before = (column: number) => windows.reduce((sum, count) => sum + Math.min(count, column), 0);
  let number = 0;
  for (let last = windows.reduce((most, count) => Math.max(most, count), 0) - 1; number < last;) {
    const middle = number + Math.ceil((last - number) / 2);
    if (before(middle) <= within) number = middle;
    else last = middle - 1;
  }
  const begin = before(number);
  const there = documents.filter((_, i) => windows[i]! > number);
  const order = new Random(seed, `order/${pass}/${group}/${number}`).permutation(there.length);
  return { pass, group, number, begin, end: begin + there.length, documents: Int32Array.from(order, (i) => there[i]!) };
}

function windowsOf(source: TokenSource, document: number, context: number): number {
  return Math.max(0, Math.floor((source.documentLength(document) - 1) / context));
}

function groupsOf(source: TokenSource, chunks: ChunkLayout, context: number): Group[] {
  const byRow = new Map<number, number[]>();
  for (let document = 0; document < source.documentCount; document++) {
    const row = chunks.rowOf(document);
    const group = byRow.get(row);
    if (group) group.push(document);
    else byRow.set(row, [document]);
  }
  return Array.from(byRow.values(), (documents) => ({
    documents: Int32Array.from(documents),
    windows: documents.reduce((sum, document) => sum + windowsOf(source, document, context), 0),
  }));
}

function tooShort(source: TokenSource, context: number): DataError {
  let longest = 0;
  for (let document = 0; document < source.documentCount; document++) {
    longest = Math.max(longest, source.documentLength(document));
  }
  return new DataError({
    what: 'context',
    value: context,
    expected: `at most ${longest - 1}, as the longest document of ${source.name} holds ${longest} tokens`,
    remedy: "Use a shorter context or longer documents, or order: 'random', which packs short ones.",
  });
}
