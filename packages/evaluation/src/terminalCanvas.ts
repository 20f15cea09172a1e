/** The plot of a terminal chart: cells of 2×4 dots, drawn as Unicode or as ASCII. */

import type { ChartSeries } from './chartApi';
import type { Frame } from './axis';

/** How a chart is drawn: all that differs between Unicode and ASCII. */
export interface Style {
  readonly points: string;
  readonly rule: string;
  /** Axes: vertical, vertical at a tick, corner, horizontal, horizontal at a tick. */
  readonly axis: string;
  readonly ellipsis: string;
  /** The character for the dots of a cell: bit 4·column + row, of 2 columns and 4 rows. */
  readonly dots: (bits: number) => string;
}

const braille = [0x01, 0x02, 0x04, 0x40, 0x08, 0x10, 0x20, 0x80];
export const unicode: Style = {
  points: '●▲■◆★▼○△',
  rule: '┊',
  axis: '│┤└─┬',
  ellipsis: '…',
  dots: (bits) => String.fromCharCode(0x2800 + braille.reduce((sum, dot, i) => sum + ((bits >> i) & 1) * dot, 0)),
};
export const ascii: Style = {
  points: 'ox+*#@%&',
  rule: ':',
  axis: '|++-+',
  ellipsis: '~',
  // The lower of two dots counts where a line is flat.
  dots: (bits) => (bits & 0b1100_1100 ? '.' : "'"),
};

/** ANSI colours of the series in turn: cyan, yellow, magenta, green, blue, red. */
const colors = [36, 33, 35, 32, 34, 31];

/** Text in the colour of a series. */
export function paint(text: string, series: number, color: boolean): string {
  return color ? `\u001b[${colors[series % colors.length]}m${text}\u001b[39m` : text;
}

/** The sign of a series at its points. */
export function glyphOf({ points }: Style, series: number): string {
  return points[series % points.length]!;
}

interface Cell {
  bits: number;
  /** What is drawn instead of dots. */
  glyph?: string;
  series?: number;
}

/** The plot itself: cells of 2×4 dots. */
export class Canvas {
  private readonly cells: Cell[][];

  constructor(
    private readonly frame: Frame,
    readonly columns: number,
    private readonly height: number,
    private readonly style: Style,
  ) {
    this.cells = Array.from({ length: height }, () => Array.from({ length: columns }, () => ({ bits: 0 })));
  }

  /** Column of cells for an x. */
  column(x: number): number {
    return Math.floor(this.dotX(x) / 2);
  }

  private dotX(x: number): number {
    const [left, right] = this.frame.x;
    // One column is kept free at each end, for points.
    return Math.round(2 + (Math.log2(x / left) / Math.log2(right / left)) * (2 * this.columns - 5));
  }

  /** In the middle of the row that the axis names, for values at ticks. */
  private dotY(y: number): number {
    const [bottom, top] = this.frame.y;
    return Math.round(1.5 + ((top - y) / (top - bottom)) * 4 * (this.height - 1));
  }

  rule(x: number): void {
    for (const row of this.cells) row[this.column(x)]!.glyph = this.style.rule;
  }

  line({ points }: ChartSeries, series: number): void {
    for (let i = 1; i < points.length; i++) {
      const [from, to] = [points[i - 1]!, points[i]!];
      const [x, y, dx, dy] = [
        this.dotX(from.x),
        this.dotY(from.y),
        this.dotX(to.x) - this.dotX(from.x),
        this.dotY(to.y) - this.dotY(from.y),
      ];
      const steps = Math.max(Math.abs(dx), Math.abs(dy), 1);
      for (let step = 0; step <= steps; step++) {
        this.dot(x + Math.round((dx * step) / steps), y + Math.round((dy * step) / steps), series);
      }
    }
  }

  private dot(x: number, y: number, series: number): void {
    const cell = this.cells[y >> 2]![x >> 1]!;
    cell.bits |= 1 << (4 * (x & 1) + (y & 3));
    delete cell.glyph;
    cell.series = series;
  }

  /** Where series meet, each is on top at some of its points, so that none disappears under the others. */
  points(all: readonly ChartSeries[]): void {
    for (let i = 0; all.some(({ points }) => i < points.length); i++) {
      for (let turn = 1; turn <= all.length; turn++) {
        const series = (i + turn) % all.length;
        const point = all[series]!.points[i];
        if (!point) continue;
        const cell = this.cells[this.dotY(point.y) >> 2]![this.column(point.x)]!;
        cell.glyph = glyphOf(this.style, series);
        cell.series = series;
      }
    }
  }

  rows(color: boolean): string[] {
    return this.cells.map((row) => {
      const runs: { text: string; series: number | undefined }[] = [];
      for (const { bits, glyph, series } of row) {
        const text = glyph ?? (bits ? this.style.dots(bits) : ' ');
        const run = runs.at(-1);
        if (run && run.series === series) run.text += text;
        else runs.push({ text, series });
      }
      return runs.map(({ text, series }) => (series === undefined ? text : paint(text, series, color))).join('');
    });
  }
}
