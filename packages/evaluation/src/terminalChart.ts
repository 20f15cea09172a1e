/** A line chart as text: braille dots for lines, a glyph per series for points, on a logarithmic x axis. */

import { requireWhole } from '@sympow/kernels';
import type { ChartSeries, TerminalChartOptions } from './chartApi';
import { layOut, oneLine, positionText, xTicks, yTicks, type Frame } from './axis';
import { ascii, Canvas, glyphOf, paint, unicode, type Style } from './terminalCanvas';

/**
 * Draws series as text of at most `width` columns, without a line break at its end.
 *
 * @throws ConfigError if nothing can be drawn, two series have one name, an x is not above 0, or a size is too small
 * @example
 * ```ts
 * const points = [64, 128, 256, 512].map((x) => ({ x, y: 2 + 8 / x }));
 * console.log(terminalChart([{ name: 'conformal', points }], { title: 'Loss by position', height: 8 }));
 * ```
 */
export function terminalChart(series: readonly ChartSeries[], options: TerminalChartOptions = {}): string {
  const { title, rule, width = 80, height = 16, color = false } = options;
  const { xLabel = 'position in the context', yLabel = 'nats per token' } = options;
  requireWhole('width', width, 32);
  requireWhole('height', height, 4);
  const style = options.ascii ? ascii : unicode;
  const frame = layOut(series, options, { yTicks: Math.max(2, Math.floor(height / 3)), bands: false });
  const canvas = new Canvas(frame, width - labelWidth(frame) - 2, height, style);
  if (rule) canvas.rule(rule.x);
  frame.series.forEach((each, index) => canvas.line(each, index));
  canvas.points(frame.series);

  const indent = ' '.repeat(labelWidth(frame) + 2);
  const cut = (text: string, columns: number) =>
    text.length <= columns ? text : `${text.slice(0, columns - 1)}${style.ellipsis}`;
  const head = title === undefined ? [] : [cut(oneLine(title), width)];
  const unit = cut(oneLine(yLabel), width);
  const mark = rule
    ? indent + place([[canvas.column(rule.x), cut(oneLine(rule.label), canvas.columns)]], canvas.columns)
    : '';
  // On one line where there is room.
  if (mark.search(/\S/) >= unit.length + 2) head.push(unit + mark.slice(unit.length));
  else head.push(unit, ...(rule ? [mark] : []));
  const names = frame.series.map(({ name }, index) => ({ name: cut(name, width - 4), index }));
  return [
    ...head,
    ...canvas.rows(color).map((row, index) => axisLabel(frame, height, index, style) + row),
    ...xAxis(frame, canvas, style),
    indent + place([[canvas.columns / 2, cut(oneLine(xLabel), canvas.columns)]], canvas.columns),
    ...legend(names, width, style, color),
  ]
    .map((line) => line.trimEnd())
    .join('\n');
}

function labelWidth(frame: Frame): number {
  return Math.max(...yTicks(frame).map(({ text }) => text.length)) + 1;
}

/** Row of the plot for a y, 0 at the top. */
function rowOf({ y: [bottom, top] }: Frame, height: number, value: number): number {
  return Math.round(((top - value) / (top - bottom)) * (height - 1));
}

function axisLabel(frame: Frame, height: number, row: number, { axis }: Style): string {
  const tick = yTicks(frame).find(({ value }) => rowOf(frame, height, value) === row);
  return `${(tick?.text ?? '').padStart(labelWidth(frame))} ${axis[tick ? 1 : 0]}`;
}

function xAxis(frame: Frame, canvas: Canvas, { axis }: Style): string[] {
  const ticks = xTicks(frame, Math.floor(canvas.columns / 7));
  const line = Array.from({ length: canvas.columns }, () => axis[3]);
  for (const x of ticks) line[canvas.column(x)] = axis[4];
  const indent = ' '.repeat(labelWidth(frame) + 1);
  const labels = place(
    ticks.map((x) => [canvas.column(x), positionText(x)]),
    canvas.columns,
  );
  return [`${indent}${axis[2]}${line.join('')}`, `${indent} ${labels}`];
}

/** Texts centred at columns, moved inward at the ends. */
function place(texts: readonly (readonly [number, string])[], columns: number): string {
  let line = '';
  for (const [column, text] of texts) {
    const start = Math.min(Math.max(0, Math.round(column - text.length / 2)), columns - text.length);
    line = line.padEnd(start).slice(0, start) + text;
  }
  return line;
}

function legend(
  names: readonly { name: string; index: number }[],
  width: number,
  style: Style,
  color: boolean,
): string[] {
  const lines: string[] = [];
  let used = width;
  for (const { name, index } of names) {
    const entry = paint(glyphOf(style, index), index, color) + ` ${name}`;
    const length = name.length + 2;
    if (used + 3 + length > width) {
      lines.push(`  ${entry}`);
      used = 2 + length;
    } else {
      lines[lines.length - 1] += `   ${entry}`;
      used += 3 + length;
    }
  }
  return lines;
}
