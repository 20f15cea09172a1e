/** Ranges and ticks of a chart: round numbers, or powers on logarithmic axes. And the checks that every chart begins with. */

import { ConfigError } from '@sympow/kernels';
import type { ChartOptions, ChartPoint, ChartSeries, SvgChartOptions } from './chartApi';

/** What a chart shows, and the ends of its axes. */
export interface Frame {
  /** Finite points only, under names that fit a line. */
  readonly series: readonly ChartSeries[];
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
  /** Multiples of `yStep` from end to end of `y`; on a logarithmic axis the ends are where the values end. */
  readonly yStep: number;
}

/** How a chart is to be laid out. */
export interface Layout extends Pick<SvgChartOptions, 'xScale' | 'yScale' | 'yUnit'> {
  /** About how many. */
  readonly yTicks: number;
  /** Whether there is to be room for standard errors. */
  readonly bands: boolean;
}

/**
 * Checks the series and lays out the axes.
 *
 * @throws ConfigError if nothing can be drawn, two series have one name, or an x is not above 0 on a logarithmic axis
 */
export function layOut(
  series: readonly ChartSeries[],
  { rule }: ChartOptions,
  { yTicks, bands, xScale = 'log', yScale = 'linear', yUnit }: Layout,
): Frame {
  const drawn = (point: ChartPoint) => isFinitePoint(point) && (yScale === 'linear' || point.y > 0);
  const shown = series.map(({ name, points }) => ({ name: oneLine(name), points: points.filter(drawn) }));
  const points = shown.flatMap((each) => each.points);
  if (points.length === 0) {
    throw new ConfigError({ what: 'the chart', value: 'empty', expected: 'a series with a point whose y is finite' });
  }
  const names = shown.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new ConfigError({ what: 'name of a series', value: twice, expected: 'one that no other series has' });
  }
  const xs = [...points.map(({ x }) => x), ...(rule ? [rule.x] : [])];
  const log = xScale === 'log';
  const wrong = xs.find((x) => !(x > (log ? 0 : -Infinity) && x < Infinity));
  if (wrong !== undefined) {
    const expected = log ? 'a number above 0, for a logarithmic axis' : 'a finite number';
    throw new ConfigError({ what: 'an x of the chart', value: wrong, expected });
  }
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const x =
    left < right ? ([left, right] as const) : log ? ([left / 2, left * 2] as const) : ([left - 1, left + 1] as const);
  const ys = points.flatMap(({ y, stderr }) => (bands && stderr ? [y - stderr, y + stderr] : [y]));
  if (yScale === 'log') {
    const values = ys.filter((y) => y > 0);
    return { series: shown, x, y: [Math.min(...values) / 1.25, Math.max(...values) * 1.25], yStep: 0 };
  }
  if (yUnit === 'percent') ys.push(0, 1);
  const flat = Math.min(...ys) === Math.max(...ys);
  const margin = flat ? (Math.abs(ys[0]!) || 1) / 4 : 0;
  const [low, high] = [Math.min(...ys) - margin, Math.max(...ys) + margin];
  const [bottom, top, yStep] = roundRange(low, high, yTicks);
  return {
    series: shown,
    x,
    y: yUnit === 'percent' ? [0, 1] : [bottom, top],
    yStep: yUnit === 'percent' ? 0.2 : yStep,
  };
}

/** The smallest range of multiples of a round step that holds `low` and `high`, with about so many steps. */
function roundRange(low: number, high: number, steps: number): [bottom: number, top: number, step: number] {
  const step = roundStep((high - low) / steps);
  const bottom = rounded(Math.floor(low / step + 1e-9) * step, step);
  return [bottom, rounded(Math.ceil(high / step - 1e-9) * step, step), step];
}

function isFinitePoint({ x, y }: ChartPoint): boolean {
  return Number.isFinite(y) && !Number.isNaN(x);
}

/** Text from outside without line breaks and terminal codes. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]+/gu, ' ').trim();
}

/** The smallest of 1, 2 and 5 times a power of ten that is not below `step`. */
function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  return power * (step <= power ? 1 : step <= 2 * power ? 2 : step <= 5 * power ? 5 : 10);
}

/** The ticks of y, from the bottom up, as numbers and text. */
export function yTicks({ y: [bottom, top], yStep }: Frame): { value: number; text: string }[] {
  return Array.from({ length: Math.round((top - bottom) / yStep) + 1 }, (_, i) => {
    const value = rounded(bottom + i * yStep, yStep);
    return { value, text: value.toFixed(digitsOf(yStep)) };
  });
}

function digitsOf(step: number): number {
  return Math.min(100, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
}

/** A multiple of `step`, without what adding floats leaves behind. */
function rounded(value: number, step: number): number {
  return Number(value.toFixed(digitsOf(step))) || 0;
}

/** Powers of `base` inside a range, at most so many of them, evenly spaced; at least one. */
function powers([low, high]: readonly [number, number], base: number, most: number): number[] {
  const [first, last] = [Math.ceil(logOf(low, base) - 1e-9), Math.floor(logOf(high, base) + 1e-9)];
  const every = Math.max(1, Math.ceil((last - first + 1) / most));
  const exponents = Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);
  return exponents.filter((exponent) => exponent % every === 0).map((exponent) => base ** exponent);
}

function logOf(value: number, base: number): number {
  return base === 2 ? Math.log2(value) : Math.log10(value);
}

/** Ticks of a logarithmic axis of values: powers of two for bytes, else 1, 2 and 5 times powers of ten. */
export function logTicks({ y: [low, high] }: Frame, unit: SvgChartOptions['yUnit'], most: number): number[] {
  if (unit === 'bytes') return powers([low, high], 2, most);
  const tens = powers([low / 10, high], 10, 99);
  const all = tens.flatMap((ten) => [ten, 2 * ten, 5 * ten]).filter((value) => value >= low && value <= high);
  return all.length <= most ? all : powers([low, high], 10, most);
}

/** Round numbers inside the range of a linear x. */
export function linearTicks({ x: [left, right] }: Frame, most: number): number[] {
  const [bottom, top, step] = roundRange(left, right, most);
  const ticks = Array.from({ length: Math.round((top - bottom) / step) + 1 }, (_, i) =>
    rounded(bottom + i * step, step),
  );
  return ticks.filter((value) => value >= left && value <= right);
}

/** A value of y as text. */
export function unitText(value: number, unit: SvgChartOptions['yUnit']): string {
  if (unit === 'percent') return `${Math.round(100 * value)} %`;
  if (unit === 'bytes') {
    const power = Math.min(4, Math.max(0, Math.floor(Math.log2(value) / 10)));
    return `${Number((value / 1024 ** power).toPrecision(3))} ${['B', 'KiB', 'MiB', 'GiB', 'TiB'][power]}`;
  }
  const [scale, letter] = value >= 1e6 ? [1e6, 'M'] : value >= 1e3 ? [1e3, 'k'] : [1, ''];
  return `${Number((value / scale).toPrecision(3))}${letter}`;
}

/** Powers of two inside the range of x, at most so many of them, evenly spaced. */
export function xTicks({ x }: Frame, most: number): number[] {
  return powers(x, 2, most);
}

/** 512, 1k, 64k, 1M: k is 1024. */
export function positionText(position: number): string {
  if (position >= 2 ** 20 && position % 2 ** 20 === 0) return `${position / 2 ** 20}M`;
  if (position >= 1024 && position % 1024 === 0) return `${position / 1024}k`;
  return `${position}`;
}
