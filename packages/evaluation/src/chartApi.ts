/** Types of charts: points and lines, whatever they mean. */

/** A mark on a chart; not drawn where y is not finite. */
export interface ChartPoint {
  /** Above 0 where the axis is logarithmic. */
  readonly x: number;
  readonly y: number;
  /** Drawn as a band of one standard error on both sides where the chart can. */
  readonly stderr?: number | null | undefined;
}

/** A line of a chart, its points in order of x. */
export interface ChartSeries {
  readonly name: string;
  readonly points: readonly ChartPoint[];
}

/** What all charts share. */
export interface ChartOptions {
  readonly title?: string | undefined;
  /** Default `position in the context`. */
  readonly xLabel?: string | undefined;
  /** Default `nats per token`. */
  readonly yLabel?: string | undefined;
  /** A vertical line, such as the training context. */
  readonly rule?: { readonly x: number; readonly label: string } | undefined;
}

/** Options of `terminalChart`. */
export interface TerminalChartOptions extends ChartOptions {
  /** Columns, at least 32; 80 unless said otherwise. */
  readonly width?: number | undefined;
  /** Rows of the plot, without axis, title and legend, at least 4; 16 unless said otherwise. */
  readonly height?: number | undefined;
  /** Colours the lines with ANSI codes; `process.stdout.isTTY` is a good choice. Default `false`. */
  readonly color?: boolean | undefined;
  /** Draws with ASCII alone, for terminals and logs without Unicode. Default `false`. */
  readonly ascii?: boolean | undefined;
}

/** Options of `svgChart`. */
export interface SvgChartOptions extends ChartOptions {
  /** A line under the title. */
  readonly subtitle?: string | undefined;
  /** Pixels of the whole picture, at least 320; 800 unless said otherwise. */
  readonly width?: number | undefined;
  /** At least 200; 480 unless said otherwise. */
  readonly height?: number | undefined;
  /** By powers of two unless said otherwise. */
  readonly xScale?: 'log' | 'linear' | undefined;
  /** Linear unless said otherwise; `log` leaves out what is not above 0. */
  readonly yScale?: 'log' | 'linear' | undefined;
  /** How values are written: numbers unless said otherwise, shares of 1 as percents, bytes as KiB, counts as 10k. */
  readonly yUnit?: 'number' | 'percent' | 'bytes' | 'count' | undefined;
  /** Marks every point; by default where a line has at most 40. */
  readonly marks?: boolean | undefined;
  /** What draws; loaded unless it is handed over, as a page that is bundled has to. */
  readonly vega?: VegaPackages | undefined;
}

/** The packages that `svgChart` draws with: `import * as vega from 'vega'`, and the same of `vega-lite`. */
export interface VegaPackages {
  readonly vega: object;
  readonly vegaLite: object;
}
