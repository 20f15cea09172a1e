// The results as pictures.

import { svgChart, type ChartSeries, type SvgChartOptions } from '@sympow/evaluation';
import type { GroupResult, Recall, Results } from './results';
import { slug } from './experiment';
import { groupName, insideLoss, type Section } from './tables';

/** A chart of a report, before it is drawn. */
export interface Chart {
  /** Its file, without the ending. */
  readonly name: string;
  readonly title: string;
  /** Where it stands in a report. */
  readonly section: Section;
  readonly svg: string;
}

interface Plot extends SvgChartOptions {
  readonly name: string;
  readonly title: string;
  readonly section: Section;
  readonly series: readonly ChartSeries[];
}

/** All charts that there is something to draw in. */
export async function chartsOf(results: Results): Promise<Chart[]> {
  const groups = results.groups.filter(({ seeds }) => seeds.length > 0);
  const charts: Chart[] = [];
  for (const { name, section, series, ...options } of plots(results, groups)) {
    const drawn = series.filter(({ points }) => points.some(({ y }) => Number.isFinite(y)));
    if (drawn.length === 0) continue;
    charts.push({
      name,
      section,
      title: options.title,
      svg: await svgChart(drawn, { width: 760, height: 430, ...options }),
    });
  }
  return charts;
}

function plots(results: Results, groups: readonly GroupResult[]): Plot[] {
  const { contexts, unit } = results;
  const trainedTo = (context: number) => (contexts.length > 1 ? `, trained to ${context}` : '');
  const at = (context: number) => groups.filter((group) => group.context === context);
  return [
    ...contexts.map((context) => ({
      section: `positions ${context}` as const,
      name: `loss-by-position-${context}`,
      title: `Loss by position${trainedTo(context)}`,
      yLabel: unit,
      rule: { x: context, label: 'training context' },
      ...(groups.some(({ seeds }) => seeds.length > 1) && { subtitle: 'Bands: standard deviation over seeds' }),
      series: at(context).flatMap(({ variant, loss }) => (loss ? [{ name: variant, points: lossPoints(loss) }] : [])),
    })),
    ...(contexts.length > 1 ? againstContext(results, groups) : []),
    ...contexts.map((context) => ({
      section: 'training' as const,
      name: `training-${context}`,
      title: `Training loss${contexts.length > 1 ? `, context ${context}` : ''}`,
      subtitle: 'From a tenth of the steps on',
      xLabel: 'step',
      yLabel: unit,
      xScale: 'linear' as const,
      marks: false,
      series: at(context).map(({ variant, curve }) => ({
        name: variant,
        // The fall of the first steps would leave no room for the differences that come after it.
        points: curve.slice(Math.floor(curve.length / 10)).map(({ step, loss }) => ({ x: step, y: loss })),
      })),
    })),
    ...results.tests.flatMap((test) => recallPlots(results, groups, test)),
    ...speedPlots(results, groups),
  ];
}

/** The seeds differ far less than the documents do, whose standard errors would hide the lines and are the same for all. */
function lossPoints({ bins, spread }: NonNullable<GroupResult['loss']>): ChartSeries['points'] {
  return bins.map(({ from, to, nats }, i) => ({ x: (from + to) / 2, y: nats, stderr: spread[i] ?? null }));
}

function againstContext({ variants, unit }: Results, groups: readonly GroupResult[]): Plot[] {
  const series = (y: (group: GroupResult) => number | undefined) =>
    variants.map((variant) => ({
      name: variant,
      points: groups
        .filter((group) => group.variant === variant)
        .map((group) => ({ x: group.context, y: y(group) ?? NaN })),
    }));
  const shared = { section: 'contexts' as const, xLabel: 'training context', yLabel: unit };
  return [
    {
      ...shared,
      name: 'loss-against-context',
      title: 'Loss at the end of the training context',
      series: series((group) => insideLoss(group)?.nats),
    },
    {
      ...shared,
      name: 'best-loss-against-context',
      title: 'Best-context loss',
      series: series((group) => group.loss?.best?.nats),
    },
  ];
}

function recallPlots(results: Results, groups: readonly GroupResult[], { id, name }: Results['tests'][number]): Plot[] {
  const own = groups.filter(({ recall }) => recall[name]);
  const conditions = Object.keys(own[0]?.recall[name]?.byCondition ?? {});
  const series = (points: (recall: Recall) => ChartSeries['points']) =>
    own.map((group) => ({ name: groupName(group, results), points: points(group.recall[name]!) }));
  const shared = { section: `recall ${name}` as const, yLabel: 'right answers', yUnit: 'percent' as const };
  const title = name.charAt(0).toUpperCase() + name.slice(1);
  const several = conditions.filter((condition) => (own[0]!.recall[name]!.byCondition[condition]?.length ?? 0) > 1);
  return [
    {
      ...shared,
      name: `recall-${id}-distance`,
      title: `${title}: right answers by distance`,
      xLabel: 'tokens from where it was told to where it is asked for',
      series: series(({ byDistance }) =>
        byDistance.map(({ from, to, accuracy, stderr }) => ({ x: Math.sqrt(from * (to - 1)), y: accuracy, stderr })),
      ),
    },
    ...several.map((condition) => ({
      ...shared,
      name: `recall-${id}-${slug(condition)}`,
      title: `${title}: right answers by ${condition}`,
      xLabel: condition,
      ...(own[0]!.recall[name]!.byCondition[condition]!.some(({ value }) => value <= 0) && {
        xScale: 'linear' as const,
      }),
      series: series(({ byCondition }) =>
        (byCondition[condition] ?? []).map(({ value, accuracy, stderr }) => ({ x: value, y: accuracy, stderr })),
      ),
    })),
  ];
}

function speedPlots(results: Results, groups: readonly GroupResult[]): Plot[] {
  const context = results.contexts.at(-1);
  const own = groups.filter((group) => group.context === context && (group.measured?.pace.length ?? 0) > 1);
  const series = (y: (pace: NonNullable<GroupResult['measured']>['pace'][number]) => number) =>
    own.map(({ variant, measured }) => ({
      name: variant,
      points: measured!.pace.map((pace) => ({ x: pace.to, y: y(pace) })),
    }));
  return [
    {
      section: 'costs',
      name: 'speed-by-position',
      title: 'Reading speed by position',
      yLabel: 'tokens per second',
      yScale: 'log',
      yUnit: 'count',
      series: series(({ tokensPerSecond }) => tokensPerSecond),
    },
    {
      section: 'costs',
      name: 'memory-by-position',
      title: 'Memory of a stream by position',
      yLabel: 'bytes',
      yScale: 'log',
      yUnit: 'bytes',
      series: series(({ memoryBytes }) => memoryBytes),
    },
  ];
}
