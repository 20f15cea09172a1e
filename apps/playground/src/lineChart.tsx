// A chart of lines: losses by step or by position, any number of them, with a mark where something ends.

import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

export interface Line {
  readonly name: string;
  /** A variable of the style sheet. */
  readonly colour: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly width?: number;
  /** Whether points are drawn too. */
  readonly dots?: boolean;
  readonly dashed?: boolean;
}

interface Props {
  readonly lines: readonly Line[];
  readonly range: readonly [number, number];
  /** Whether each doubling takes the same room. */
  readonly doubling?: boolean;
  readonly mark?: { readonly at: number; readonly says: string } | undefined;
  /** What it shows, in words. */
  readonly says: string;
  readonly axis: string;
  /** The head: what is drawn, and the keys. */
  readonly children: ComponentChildren;
  /** What stands there while there are no lines. */
  readonly empty?: string | undefined;
}

const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** All lines over all their x. */
function tableOf(lines: readonly Line[]): uPlot.AlignedData {
  const tables = lines.map(({ points }): uPlot.AlignedData => [points.map(([x]) => x), points.map(([, y]) => y)]);
  return tables.length === 0 ? [[], []] : uPlot.join(tables);
}

/** From what is there, and where nothing is, from what losses are. */
function rangeOf(low: number | null, high: number | null): [number, number] {
  if (low === null || high === null || !Number.isFinite(low)) return [0, 5];
  return [Math.max(0, Math.floor(low * 2 - 0.2) / 2), Math.ceil(high * 2 + 0.1) / 2];
}

/** Positions double, so that their thousands are those of computers. */
const short = (value: number) => (value >= 1024 && value % 1024 === 0 ? `${value / 1024}K` : String(value));

/** Draws the mark behind the lines, with its words where there is room. */
function drawMark(chart: uPlot, { at, says }: NonNullable<Props['mark']>): void {
  const { ctx, bbox } = chart;
  const x = chart.valToPos(at, 'x', true);
  if (x < bbox.left || x > bbox.left + bbox.width) return;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = colour('--quiet');
  ctx.setLineDash([4 * ratio, 4 * ratio]);
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.font = `${12 * ratio}px system-ui, sans-serif`;
  const right = x + ctx.measureText(says).width + 12 * ratio < bbox.left + bbox.width;
  ctx.textAlign = right ? 'left' : 'right';
  ctx.fillText(says, x + (right ? 6 : -6) * ratio, bbox.top + 14 * ratio);
  ctx.restore();
}

function optionsOf({ lines, range, doubling, mark }: Props, width: number, height: number): uPlot.Options {
  const font = '12px system-ui, sans-serif';
  const axis = {
    ...{ stroke: colour('--quiet'), font, ticks: { show: false } },
    grid: { stroke: colour('--line'), width: 1 },
  };
  const log = doubling ? { distr: 3 as const, log: 2 as const } : {};
  return {
    ...{ width, height, legend: { show: false }, cursor: { y: false, points: { size: 7 } }, padding: [8, 14, 0, 0] },
    scales: {
      x: { time: false, ...log, range: [...range] as [number, number] },
      y: { range: (_, a, b) => rangeOf(a, b) },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 28,
        ...(doubling && { values: (_, at) => at.map((x) => (x ? short(x) : '')) }),
      },
      {
        ...axis,
        size: 44,
        values: (_, values, __, ___, step) => values.map((value) => value.toFixed(Number.isInteger(step * 10) ? 1 : 2)),
      },
    ],
    series: [
      {},
      ...lines.map(({ name, colour: stroke, width: thick = 1.5, dots, dashed }): uPlot.Series => ({
        ...{ label: name, stroke: colour(stroke), width: thick, spanGaps: true, dash: dashed ? [5, 4] : [] },
        points: { show: dots ?? false, size: 7, fill: colour(stroke) },
      })),
    ],
    hooks: mark ? { drawAxes: [(chart) => drawMark(chart, mark)] } : {},
  };
}

export function LineChart(props: Props) {
  const { lines, range, mark, says, axis, children, empty } = props;
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | undefined>(undefined);
  const latest = useRef(props);
  latest.current = props;
  const drawn = lines.filter(({ points }) => points.length > 0);
  // What a chart is made with; new points alone do not make it anew.
  const made = JSON.stringify([range, mark, lines.map(({ name, colour: ink }) => [name, ink])]);

  useEffect(() => {
    const element = place.current!;
    const draw = () => {
      chart.current?.destroy();
      const { clientWidth, clientHeight } = element;
      const now = latest.current;
      chart.current = new uPlot(optionsOf(now, clientWidth, clientHeight), tableOf(now.lines), element);
    };
    draw();
    const resized = new ResizeObserver(() =>
      chart.current?.setSize({ width: element.clientWidth, height: element.clientHeight }),
    );
    resized.observe(element);
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', draw);
    return () => {
      resized.disconnect();
      scheme.removeEventListener('change', draw);
      chart.current?.destroy();
      chart.current = undefined;
    };
  }, [made]);
  useEffect(() => chart.current?.setData(tableOf(lines)), [lines]);

  return (
    <figure class="chart">
      <figcaption>{children}</figcaption>
      <div class="canvas" ref={place} role="img" aria-label={says}>
        {drawn.length === 0 && empty !== undefined && <p class="empty">{empty}</p>}
      </div>
      <p class="below">{axis}</p>
    </figure>
  );
}

/** What a line is, in the head of a chart. */
export function Key({ colour: ink, children }: { colour: string; children: ComponentChildren }) {
  return (
    <span class="key" style={{ '--key': `var(${ink})` }}>
      {children}
    </span>
  );
}
