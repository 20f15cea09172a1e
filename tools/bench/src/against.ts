/**
 * Two checkouts of this repository, one against the other. Their benchmarks take turns, process after process, each with its own
 * sources and its own installed packages; a row is what both have under one name and shape.
 */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ratioOf, type Row } from './benchmark';
import { median } from './measure';

/** This checkout, from the source as from the bundle. */
const here = fileURLToPath(new URL('../../..', import.meta.url));

/** A row of both checkouts. */
export interface Comparison extends Pick<Row, 'name' | 'shape' | 'unit'> {
  /** Medians of the rounds. */
  readonly ours: number;
  readonly theirs: number;
  /** How many times better ours is, by the medians. */
  readonly ratio: number;
  /** The same by the best round of each: noise only ever makes a round worse. */
  readonly best: number;
}

/** Whether a row lost more than noise takes: by the medians and by the best rounds. */
export function isSlower({ ratio, best }: Pick<Comparison, 'ratio' | 'best'>): boolean {
  return Math.max(ratio, best) < 0.97;
}

/**
 * Runs the benchmarks of both checkouts in turns.
 *
 * @param folder the other checkout, installed
 * @param args of `bench`, without those that choose the form of its output
 * @throws Error where the folder is no checkout, or a run of either side fails
 */
export function against(
  folder: string,
  args: readonly string[],
  rounds: number,
  say: (line: string) => void,
): Comparison[] {
  if (!existsSync(join(folder, 'tools/bench/src/main.ts')))
    throw new Error(`${folder} is no checkout with tools/bench`);
  const sides = [here, folder].map((directory) => ({ directory, rows: [] as Row[] }));
  for (let round = 0; round < rounds; round++) {
    // The one that goes first finds another machine than the one that goes second.
    for (const side of round % 2 ? [...sides].reverse() : sides) {
      say(`round ${round + 1} of ${rounds}: ${side.directory}`);
      side.rows.push(...rowsOf(side.directory, args));
    }
  }
  return compare(sides[0]!.rows, sides[1]!.rows);
}

/** Rows that both have, each with all of its rounds. A row with several peers is one. */
export function compare(ours: readonly Row[], theirs: readonly Row[]): Comparison[] {
  const [mine, other] = [byWork(ours), byWork(theirs)];
  const found: Comparison[] = [];
  for (const [work, rows] of mine) {
    const others = other.get(work);
    if (!others) continue;
    const { name, shape, unit } = rows[0]!;
    const [a, b] = [rows, others].map((side) => side.map((row) => row.ours)) as [number[], number[]];
    const better = ratioOf({ ours: 2, peer: 1, unit }) > 1 ? Math.max : Math.min;
    found.push({
      ...{ name, shape, unit, ours: median(a), theirs: median(b) },
      ratio: ratioOf({ ours: median(a), peer: median(b), unit }),
      best: ratioOf({ ours: better(...a), peer: better(...b), unit }),
    });
  }
  return found;
}

function byWork(rows: readonly Row[]): Map<string, Row[]> {
  const works = new Map<string, Row[]>();
  for (const row of rows) {
    const work = `${row.name} ${row.shape} ${row.unit}`;
    works.set(work, [...(works.get(work) ?? []), row]);
  }
  return works;
}

function rowsOf(directory: string, args: readonly string[]): Row[] {
  const call = [join(directory, 'tools/run.mjs'), 'tools/bench', '--json', ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, call, { encoding: 'utf8', maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(`bench in ${directory} ended with ${status}: ${stderr.slice(-2000)}`);
  return JSON.parse(stdout) as Row[];
}
