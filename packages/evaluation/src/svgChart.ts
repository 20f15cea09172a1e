/** A line chart as an SVG picture, through Vega-Lite: no browser, no canvas. */

import { requireWhole } from '@sympow/kernels';
import type { TopLevelSpec } from 'vega-lite';
import type { ChartSeries, SvgChartOptions } from './chartApi';
import { layOut, linearTicks, logTicks, oneLine, positionText, unitText, xTicks, yTicks, type Frame } from './axis';
import { loadVega, type Vega } from './vega';

// Okabe and Ito's colours, told apart with every kind of colour blindness; yellow is left out, as it is faint on white.
const colors = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000'];
const shapes = ['circle', 'triangle-up', 'square', 'diamond', 'cross', 'triangle-down', 'triangle-right'];
const font = "'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif";
const ink = '#1f2328';
const softInk = '#59636e';
const faint = '#e6e8eb';

type LayeredSpec = Extract<TopLevelSpec, { layer: unknown }>;
type Layer = LayeredSpec['layer'][number];

/** A row of the chart's data. */
interface Row {
  readonly series: string;
  readonly x: number;
  readonly y: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Draws series as SVG text: the same for the same input, on every machine.
 *
 * @throws ConfigError if nothing can be drawn, two series have one name, an x is not above 0, or a size is too small
 * @throws MissingPackageError where Vega is not installed; the message says how it is
 * @example
 * ```ts
 * const points = [64, 128, 256, 512].map((x) => ({ x, y: 2 + 8 / x, stderr: 0.02 }));
 * const svg = await svgChart([{ name: 'conformal', points }], { rule: { x: 128, label: 'training context' } });
 * console.log(svg.startsWith('<svg')); // true
 * ```
 */
export async function svgChart(series: readonly ChartSeries[], options: SvgChartOptions = {}): Promise<string> {
  const { width = 800, height = 480 } = options;
  requireWhole('width', width, 320);
  requireWhole('height', height, 200);
  const { xScale, yScale, yUnit } = options;
  const yTicks = Math.max(3, Math.floor(height / 80));
  const frame = namedForVega(layOut(series, options, { yTicks, bands: true, xScale, yScale, yUnit }));
  const { vega, vegaLite } = (options.vega ?? (await loadVega())) as Vega;
  const view = new vega.View(vega.parse(vegaLite.compile(specification(frame, options, width, height)).spec), {
    renderer: 'none',
    logLevel: vega.Warn,
  });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

/** Vega keeps series in plain objects under their names, where `constructor` means something else; a space is not seen. */
function namedForVega(frame: Frame): Frame {
  return {
    ...frame,
    series: frame.series.map((each) => (each.name in {} ? { ...each, name: `${each.name} ` } : each)),
  };
}

function specification(frame: Frame, options: SvgChartOptions, width: number, height: number): LayeredSpec {
  const { title, subtitle, rule } = options;
  return {
    width,
    height,
    autosize: { type: 'fit', contains: 'padding' },
    padding: { left: 16, right: 24, top: 18, bottom: 14 },
    background: 'white',
    ...(title !== undefined && {
      title: { text: oneLine(title), ...(subtitle !== undefined && { subtitle: oneLine(subtitle) }) },
    }),
    data: { values: rows(frame) },
    encoding: { x: xAxis(frame, options, width) },
    layer: [
      ...(rule ? [ruleLine(rule.x), ruleLabel(frame, rule.x, oneLine(rule.label), options)] : []),
      lines(frame, options, height),
    ],
    config: {
      font,
      view: { stroke: null },
      title: {
        anchor: 'start',
        frame: 'group',
        fontSize: 18,
        fontWeight: 600,
        color: ink,
        offset: 14,
        subtitleFontSize: 13,
        subtitleColor: softInk,
        subtitlePadding: 6,
      },
      axis: {
        labelFontSize: 12,
        labelColor: softInk,
        labelPadding: 8,
        titleFontSize: 13,
        titleFontWeight: 400,
        titleColor: ink,
        titlePadding: 10,
        gridColor: faint,
        domainColor: softInk,
        tickColor: softInk,
      },
      axisY: { domain: false, ticks: false },
      axisX: { grid: false, tickSize: 5 },
      legend: {
        orient: 'top',
        direction: 'horizontal',
        title: null,
        labelFontSize: 13,
        labelColor: ink,
        labelLimit: 0,
        symbolSize: hasMarks(frame, options) ? 90 : 260,
        symbolOpacity: 1,
        ...(hasMarks(frame, options) ? { symbolStrokeWidth: 0 } : { symbolType: 'stroke', symbolStrokeWidth: 3 }),
        columnPadding: 22,
        rowPadding: 5,
        columns: legendColumns(frame, width),
        offset: 12,
      },
    },
  };
}

function hasMarks({ series }: Frame, { marks }: SvgChartOptions): boolean {
  return marks ?? series.every(({ points }) => points.length <= 40);
}

/** As many names as fit side by side. Without a canvas, Vega takes letters to be 10.4 wide where it sets the columns; they are some 7. */
function legendColumns({ series }: Frame, width: number): number {
  const widest = Math.max(...series.map(({ name }) => name.length));
  const free = width - 120 - (44 + 7 * widest);
  return Math.max(1, Math.min(series.length, 1 + Math.floor(free / (36 + 10.4 * widest))));
}

function rows({ series }: Frame): Row[] {
  return series.flatMap(({ name, points }) =>
    points.map(({ x, y, stderr }) => ({ series: name, x, y, low: y - (stderr ?? 0), high: y + (stderr ?? 0) })),
  );
}

function xAxis(frame: Frame, options: SvgChartOptions, width: number): NonNullable<LayeredSpec['encoding']>['x'] {
  const { xLabel, xScale = 'log' } = options;
  const most = Math.floor(width / 60);
  const log = xScale === 'log';
  const ticks = log ? xTicks(frame, most) : linearTicks(frame, Math.ceil(most / 2));
  const text = log ? positionText : (value: number) => unitText(value, 'count');
  const [left, right] = frame.x;
  // Room for half a point at both ends.
  const margin = (right / left) ** 0.015;
  const room = (right - left) * 0.015;
  return {
    field: 'x',
    type: 'quantitative',
    title: xLabel ?? 'position in the context',
    scale: log
      ? { type: 'log', base: 2, domain: [left / margin, right * margin], nice: false }
      : { type: 'linear', domain: [left - room, right + room], nice: false, zero: false },
    axis: { values: ticks, labelExpr: lookup(ticks.map((value) => ({ value, text: text(value) }))) },
  };
}

/** The scale of y, and its ticks. */
function yAxis(frame: Frame, { yLabel, yScale, yUnit }: SvgChartOptions, height: number) {
  const log = yScale === 'log';
  const values = log ? logTicks(frame, yUnit, Math.floor(height / 45)) : yTicks(frame).map(({ value }) => value);
  const plain = log || (yUnit !== undefined && yUnit !== 'number');
  const ticks = plain ? values.map((value) => ({ value, text: unitText(value, yUnit) })) : yTicks(frame);
  return {
    type: 'quantitative' as const,
    scale: { ...(log ? { type: 'log' as const } : { zero: false }), domain: [...frame.y], nice: false },
    title: yLabel ?? 'nats per token',
    axis: { values, labelExpr: lookup(ticks) },
  };
}

/** A Vega expression that gives each tick its text. */
function lookup(ticks: readonly { value: number; text: string }[]): string {
  return `${JSON.stringify(Object.fromEntries(ticks.map(({ value, text }) => [value, text])))}[datum.value]`;
}

/** Gives the series the values one after the other, from `shift` values farther on in each further turn. */
function inTurn({ series }: Frame, values: readonly string[], shift = 0): { domain: string[]; range: string[] } {
  const { length } = values;
  return {
    domain: series.map(({ name }) => name),
    range: series.map((_, index) => values[(index + shift * Math.floor(index / length)) % length]!),
  };
}

/** Bands below all lines, points above all lines. More series than colours are told apart by dashes and shapes. */
function lines(frame: Frame, options: SvgChartOptions, height: number): Layer {
  const marks = hasMarks(frame, options);
  const dashes = frame.series.map(
    (_, index) =>
      [
        [1, 0],
        [6, 3],
        [2, 3],
      ][Math.floor(index / colors.length) % 3]!,
  );
  const domain = frame.series.map(({ name }) => name);
  const hasBands = frame.series.some(({ points }) => points.some(({ stderr }) => stderr));
  const band: Layer = {
    mark: { type: 'area', opacity: 0.16 },
    encoding: { y: { field: 'low' }, y2: { field: 'high' } },
  };
  const points: Layer = {
    mark: { type: 'point', filled: true, size: 56, opacity: 1, stroke: 'white', strokeWidth: 1 },
    encoding: { y: { field: 'y' }, shape: { field: 'series', type: 'nominal', scale: inTurn(frame, shapes, 1) } },
  };
  return {
    encoding: {
      y: yAxis(frame, options, height),
      color: { field: 'series', type: 'nominal', scale: inTurn(frame, colors) },
    },
    layer: [
      ...(hasBands && options.yScale !== 'log' ? [band] : []),
      {
        mark: { type: 'line', strokeWidth: marks ? 2.25 : 1.75, strokeJoin: 'round', strokeCap: 'round' },
        encoding: {
          y: { field: 'y' },
          ...(frame.series.length > colors.length && {
            strokeDash: { field: 'series', type: 'nominal', scale: { domain, range: dashes } },
          }),
        },
      },
      ...(marks ? [points] : []),
    ],
  };
}

/** At a place of its own: without data, series and legend. */
function ruleLine(x: number): Layer {
  return {
    data: { values: [{ x }] },
    mark: { type: 'rule', stroke: softInk, strokeWidth: 1.25, strokeDash: [5, 4] },
    encoding: { x: { field: 'x' } },
  };
}

function ruleLabel({ x: [left, right] }: Frame, x: number, label: string, { xScale }: SvgChartOptions): Layer {
  const place = xScale === 'linear' ? (x - left) / (right - left) : Math.log(x / left) / Math.log(right / left);
  const onTheLeft = place > 0.5;
  return {
    data: { values: [{ x, label }] },
    mark: {
      type: 'text',
      align: onTheLeft ? 'right' : 'left',
      baseline: 'top',
      dx: onTheLeft ? -7 : 7,
      dy: 6,
      fontSize: 12,
      color: softInk,
    },
    encoding: { x: { field: 'x' }, y: { value: 0 }, text: { field: 'label' } },
  };
}
