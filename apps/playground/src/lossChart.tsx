// The chart of a run: losses of its updates, and those on held-out text.

import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { Curve } from './messages';
import { loss, whole } from './units';

interface Props {
  readonly curve: Curve;
  readonly steps: number;
  /** Nats per what. */
  readonly unit: string;
}

const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Rows of the chart: steps, losses, held-out losses where there are any. */
export function rowsOf({ train, heldOut }: Curve): [number[], (number | null)[], (number | null)[]] {
  const steps = train.map((_, i) => i + 1);
  const held: (number | null)[] = train.map(() => null);
  for (const [step, value] of heldOut) if (step >= 1 && step <= held.length) held[step - 1] = value;
  return [steps, [...train], held];
}

function options(steps: number, width: number, height: number): uPlot.Options {
  const [ink, faint, train, held] = [colour('--quiet'), colour('--line'), colour('--train'), colour('--held')];
  const font = '12px system-ui, sans-serif';
  const axis = { stroke: ink, font, ticks: { show: false }, grid: { stroke: faint, width: 1 } };
  return {
    ...{ width, height, legend: { show: false }, cursor: { y: false, points: { size: 7 } }, padding: [8, 12, 0, 0] },
    scales: { x: { time: false, range: [0, Math.max(1, steps)] }, y: { range: (_, low, high) => rangeOf(low, high) } },
    axes: [
      { ...axis, grid: { show: false }, size: 28 },
      { ...axis, size: 44, values: (_, values) => values.map((value) => value.toFixed(1)) },
    ],
    series: [
      {},
      { label: 'train', stroke: train, width: 1.5, points: { show: false } },
      { label: 'held out', stroke: held, width: 2.5, spanGaps: true, points: { show: true, size: 7, fill: held } },
    ],
  };
}

/** From what is there, and where nothing is, from what losses are. */
function rangeOf(low: number | null, high: number | null): [number, number] {
  if (low === null || high === null || !Number.isFinite(low)) return [0, 5];
  return [Math.max(0, Math.floor(low * 2 - 0.2) / 2), Math.ceil(high * 2 + 0.1) / 2];
}

export function LossChart({ curve, steps, unit }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | undefined>(undefined);
  const latest = useRef(curve);
  latest.current = curve;

  useEffect(() => {
    const element = place.current!;
    const draw = () => {
      chart.current?.destroy();
      chart.current = new uPlot(
        options(steps, element.clientWidth, element.clientHeight),
        rowsOf(latest.current),
        element,
      );
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
  }, [steps]);
  useEffect(() => chart.current?.setData(rowsOf(curve)), [curve]);

  const [last, held] = [curve.train.at(-1), curve.heldOut.at(-1)];
  const says =
    last === undefined
      ? 'Loss by step: nothing is drawn yet.'
      : `Loss by step, in nats per ${unit}: ${loss(last)} in training after ${whole(curve.train.length)} steps` +
        (held ? `, ${loss(held[1])} on held-out text.` : '.');
  return (
    <figure class="chart">
      <figcaption>
        <span class="title">
          Loss <small>nats per {unit}</small>
        </span>
        <span class="key train">
          Training <b>{last === undefined ? '–' : loss(last)}</b>
        </span>
        <span class="key held">
          Held out <b>{held ? loss(held[1]) : '–'}</b>
        </span>
      </figcaption>
      <div class="canvas" ref={place} role="img" aria-label={says}>
        {last === undefined && <p class="empty">Press Start, and the loss is drawn here.</p>}
      </div>
      <p class="below">step</p>
    </figure>
  );
}
