/** Ranges and ticks of a chart: x by powers of two, y by round numbers. And the checks that every chart begins with. */

import { ConfigError } from '@sympow/kernels';
import type { ChartOptions, ChartPoint, ChartSeries } from './api';

/** What a chart shows, and the ends of its axes. */
export interface Frame {
  /** Finite points only, under names that fit a line. */
  readonly series: readonly ChartSeries[];
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
  /** Multiples of `yStep` from end to end of `y`. */
  readonly yStep: number;
}

/**
 * Checks the series and lays out the axes for about `yTicks` ticks, with room for standard errors if there are `bands`.
 *
 * @throws ConfigError if nothing can be drawn, two series have one name, or an x is not above 0
 */
export function layOut(
  series: readonly ChartSeries[],
  { rule }: ChartOptions,
  { yTicks, bands }: { yTicks: number; bands: boolean },
): Frame {
  const shown = series.map(({ name, points }) => ({ name: oneLine(name), points: points.filter(isFinitePoint) }));
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
  const wrong = xs.find((x) => !(x > 0 && x < Infinity));
  if (wrong !== undefined) {
    throw new ConfigError({
      what: 'an x of the chart',
      value: wrong,
      expected: 'a number above 0, for a logarithmic axis',
    });
  }
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const ys = points.flatMap(({ y, stderr }) => (bands && stderr ? [y - stderr, y + stderr] : [y]));
  const flat = Math.min(...ys) === Math.max(...ys);
  const margin = flat ? (Math.abs(ys[0]!) || 1) / 4 : 0;
  const [low, high] = [Math.min(...ys) - margin, Math.max(...ys) + margin];
  const yStep = roundStep((high - low) / yTicks);
  const bottom = rounded(Math.floor(low / yStep + 1e-9) * yStep, yStep);
  const top = rounded(Math.ceil(high / yStep - 1e-9) * yStep, yStep);
  return { series: shown, x: left < right ? [left, right] : [left / 2, left * 2], y: [bottom, top], yStep };
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

/** Powers of two inside the range of x, at most so many of them, evenly spaced. */
export function xTicks({ x: [left, right] }: Frame, most: number): number[] {
  const [first, last] = [Math.ceil(Math.log2(left) - 1e-9), Math.floor(Math.log2(right) + 1e-9)];
  const every = Math.max(1, Math.ceil((last - first + 1) / most));
  const exponents = Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);
  return exponents.filter((exponent) => exponent % every === 0).map((exponent) => 2 ** exponent);
}

/** 512, 1k, 64k, 1M: k is 1024. */
export function positionText(position: number): string {
  if (position >= 2 ** 20 && position % 2 ** 20 === 0) return `${position / 2 ** 20}M`;
  if (position >= 1024 && position % 1024 === 0) return `${position / 1024}k`;
  return `${position}`;
}
