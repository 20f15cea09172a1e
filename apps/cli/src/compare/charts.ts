// The results as pictures.

import { lossSeries, svgChart, type ChartSeries, type SvgChartOptions } from '@sympow/evaluation';
import type { GroupResult, Recall, Results } from './results';
import { groupName, insideLoss } from './tables';

export interface Chart {
  /** Its file, without the ending. */
  readonly name: string;
  readonly title: string;
  readonly svg: string;
}

interface Plot extends SvgChartOptions {
  readonly name: string;
  readonly title: string;
  readonly series: readonly ChartSeries[];
}

/** All charts that there is something to draw in. */
export async function chartsOf(results: Results): Promise<Chart[]> {
  const groups = results.groups.filter(({ seeds }) => seeds.length > 0);
  const charts: Chart[] = [];
  for (const { name, series, ...options } of plots(results, groups)) {
    const drawn = series.filter(({ points }) => points.some(({ y }) => Number.isFinite(y)));
    if (drawn.length === 0) continue;
    charts.push({ name, title: options.title, svg: await svgChart(drawn, { width: 760, height: 430, ...options }) });
  }
  return charts;
}

function plots(results: Results, groups: readonly GroupResult[]): Plot[] {
  const { contexts, unit } = results;
  const trainedTo = (context: number) => (contexts.length > 1 ? `, trained to ${context}` : '');
  const at = (context: number) => groups.filter((group) => group.context === context);
  return [
    ...contexts.map((context) => ({
      name: `loss-by-position-${context}`,
      title: `Loss by position${trainedTo(context)}`,
      yLabel: unit,
      rule: { x: context, label: 'training context' },
      series: at(context).flatMap(({ variant, loss }) =>
        loss ? [lossSeries({ name: variant, loss: { ...loss, seconds: 0, tokensPerSecond: 0, pace: [] } })] : [],
      ),
    })),
    ...(contexts.length > 1 ? againstContext(results, groups) : []),
    ...contexts.map((context) => ({
      name: `training-${context}`,
      title: `Training loss${contexts.length > 1 ? `, context ${context}` : ''}`,
      xLabel: 'step',
      yLabel: unit,
      xScale: 'linear' as const,
      marks: false,
      series: at(context).map(({ variant, curve }) => ({
        name: variant,
        points: curve.map(({ step, loss }) => ({ x: step, y: loss })),
      })),
    })),
    ...results.tests.flatMap(({ name }) => recallPlots(results, groups, name)),
    ...speedPlots(results, groups),
  ];
}

function againstContext({ variants, unit }: Results, groups: readonly GroupResult[]): Plot[] {
  const series = (y: (group: GroupResult) => number | undefined) =>
    variants.map((variant) => ({
      name: variant,
      points: groups
        .filter((group) => group.variant === variant)
        .map((group) => ({ x: group.context, y: y(group) ?? NaN })),
    }));
  const shared = { xLabel: 'training context', yLabel: unit };
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

function recallPlots(results: Results, groups: readonly GroupResult[], name: string): Plot[] {
  const own = groups.filter(({ recall }) => recall[name]);
  const conditions = Object.keys(own[0]?.recall[name]?.byCondition ?? {});
  const series = (points: (recall: Recall) => ChartSeries['points']) =>
    own.map((group) => ({ name: groupName(group, results), points: points(group.recall[name]!) }));
  const shared = { yLabel: 'right answers', yUnit: 'percent' as const };
  const title = name.charAt(0).toUpperCase() + name.slice(1);
  const several = conditions.filter((condition) => (own[0]!.recall[name]!.byCondition[condition]?.length ?? 0) > 1);
  return [
    {
      ...shared,
      name: `recall-${name}-distance`.replaceAll(/[^A-Za-z0-9.]+/g, '-'),
      title: `${title} by distance`,
      xLabel: 'tokens from where it was told to where it is asked for',
      series: series(({ byDistance }) =>
        byDistance.map(({ from, to, accuracy, stderr }) => ({ x: Math.sqrt(from * (to - 1)), y: accuracy, stderr })),
      ),
    },
    ...several.map((condition) => ({
      ...shared,
      name: `recall-${name}-${condition}`.replaceAll(/[^A-Za-z0-9.]+/g, '-'),
      title: `${title} by ${condition}`,
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
      name: 'speed-by-position',
      title: 'Reading speed by position',
      yLabel: 'tokens per second',
      yScale: 'log',
      yUnit: 'count',
      series: series(({ tokensPerSecond }) => tokensPerSecond),
    },
    {
      name: 'memory-by-position',
      title: 'Memory of a stream by position',
      yLabel: 'bytes',
      yScale: 'log',
      yUnit: 'bytes',
      series: series(({ memoryBytes }) => memoryBytes),
    },
  ];
}
