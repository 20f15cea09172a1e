// The results as tables: the same ones for Markdown and for HTML.

import { lossDifferences, type LossByPosition } from '@sympow/evaluation';
import { bytes, quantity, ratio } from './words';
import type { GroupResult, Loss, Recall, Results } from './results';

/** The parts of a report. */
export type Section = 'short' | `positions ${number}` | 'contexts' | 'training' | `recall ${string}` | 'costs';

/** In the order of a report. */
export function sectionsOf({ contexts, tests }: Results): Section[] {
  const positions = contexts.map((context) => `positions ${context}` as const);
  return [
    'short',
    ...positions,
    'contexts',
    ...tests.map(({ name }) => `recall ${name}` as const),
    'training',
    'costs',
  ];
}

export interface Table {
  readonly title: string;
  readonly section: Section;
  /** What the numbers are. */
  readonly note: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** All tables that there is something to show in. */
export function tablesOf(results: Results): Table[] {
  const finished = results.groups.filter(({ seeds }) => seeds.length > 0);
  if (finished.length === 0) return [];
  return [
    overview(results, finished),
    ...results.contexts.flatMap((context) => {
      const own = finished.filter((group) => group.context === context && group.loss);
      return own.length === 0 ? [] : [byPosition(results, context, own), ...differences(results, context, own)];
    }),
    ...results.tests.flatMap(({ name }) => recallTables(results, name, finished)),
    costs(finished, results),
    speed(finished),
  ];
}

/** The name of a group where there may be several contexts. */
export function groupName({ variant, context }: GroupResult, { contexts }: Results): string {
  return contexts.length > 1 ? `${variant}, context ${positions(context)}` : variant;
}

function overview(results: Results, groups: readonly GroupResult[]): Table {
  const several = results.contexts.length > 1;
  const withLoss = groups.some(({ loss }) => loss);
  const bits = results.unit === 'nats per byte';
  return {
    section: 'short',
    title: 'In short',
    note: withLoss
      ? `Losses in ${results.unit}: of the last tenth of the training steps; at the last positions inside the training context; at ` +
        'the farthest positions read; and of the best range of positions.'
      : `The loss of the last tenth of the training steps in ${results.unit}, and the share of right answers.`,
    head: [
      'Variant',
      ...(several ? ['Context'] : []),
      'Seeds',
      'Parameters',
      'Training',
      ...(withLoss ? ['Inside', 'Farthest', 'Best'] : []),
      ...(withLoss && bits ? ['Bits per byte'] : []),
      ...results.tests.map(({ name }) => `${name}, right`),
    ],
    rows: groups.map((group) => [
      group.variant,
      ...(several ? [positions(group.context)] : []),
      `${group.seeds.length}`,
      quantity(group.costs.parameters),
      number(group.trainLoss),
      ...(withLoss
        ? [number(insideLoss(group)?.nats), number(group.loss?.bins.at(-1)?.nats), number(group.loss?.best?.nats)]
        : []),
      ...(withLoss && bits ? [number(group.loss?.bitsPerByte)] : []),
      ...results.tests.map(({ name }) => percent(group.recall[name]?.accuracy)),
    ]),
  };
}

/** The last range of positions inside the training context. */
export function insideLoss({ loss, context }: GroupResult) {
  return loss?.bins.filter(({ to }) => to <= context).at(-1);
}

function byPosition(results: Results, context: number, groups: readonly GroupResult[]): Table {
  const bins = groups[0]!.loss!.bins;
  const spread = groups.some(({ seeds }) => seeds.length > 1);
  return {
    section: `positions ${context}`,
    title: `Loss by position${results.contexts.length > 1 ? `, trained to ${positions(context)}` : ''}`,
    note:
      `${capital(results.unit)}, ± standard error over documents${spread ? ', in brackets the standard deviation over seeds' : ''}. ` +
      `The training context is ${positions(context)}: rows marked → lie beyond it.`,
    head: ['Positions', ...groups.map(({ variant }) => variant)],
    rows: bins.map(({ from, to }, i) => [
      `${from >= context ? '→ ' : ''}${range(from, to)}`,
      ...groups.map(({ loss }) => {
        const bin = loss!.bins[i];
        if (!bin) return '';
        const seeds = loss!.spread[i] ?? null;
        return `${number(bin.nats)}${bin.stderr === null ? '' : ` ± ${number(bin.stderr)}`}${seeds === null ? '' : ` (${number(seeds)})`}`;
      }),
    ]),
  };
}

function differences(results: Results, context: number, groups: readonly GroupResult[]): Table[] {
  const baseline = groups.find(({ variant }) => variant === results.baseline);
  const others = groups.filter((group) => group !== baseline);
  if (!baseline || others.length === 0) return [];
  const columns = others.map(({ loss }) => lossDifferences(asLoss(baseline.loss!), asLoss(loss!)));
  return [
    {
      section: `positions ${context}`,
      title: `Against ${baseline.variant}${results.contexts.length > 1 ? `, trained to ${positions(context)}` : ''}`,
      note:
        `How much higher the loss is than that of ${baseline.variant} on the same text, ± half the 95 % interval over documents, paired. ` +
        'Brackets: the interval holds 0. It says how sure the figure is for other text, not for other seeds.',
      head: ['Positions', ...others.map(({ variant }) => variant)],
      rows: baseline.loss!.bins.map(({ from, to }) => [
        `${from >= context ? '→ ' : ''}${range(from, to)}`,
        ...columns.map((column) => {
          const bin = column.find((each) => each.from === from && each.to === to);
          if (!bin) return '';
          const text = `${signed(bin.nats)}${bin.halfWidth === null ? '' : ` ± ${number(bin.halfWidth)}`}`;
          return bin.verdict === 'none' ? `(${text})` : text;
        }),
      ]),
    },
  ];
}

/** Differences need no times. */
function asLoss(loss: Loss): LossByPosition {
  return { ...loss, seconds: NaN, tokensPerSecond: NaN, pace: [] };
}

function recallTables(results: Results, name: string, groups: readonly GroupResult[]): Table[] {
  const own = groups.filter(({ recall }) => recall[name]);
  const first = own[0]?.recall[name];
  if (!first) return [];
  const section = `recall ${name}` as const;
  const head = (title: string) => [title, ...own.map((group) => groupName(group, results))];
  const cell = (row: { accuracy: number; stderr: number | null } | undefined) =>
    row ? `${percent(row.accuracy)}${row.stderr === null ? '' : ` ± ${(100 * row.stderr).toFixed(1)}`}` : '';
  const column = (value: (recall: Recall) => string) => own.map(({ recall }) => value(recall[name]!));
  // What all answers come from: a state of constant size, or a cache that has grown so large by the end of an example.
  const state = ['State', ...column(({ stateBytes, cacheBytes }) => bytes(stateBytes > 0 ? stateBytes : cacheBytes))];
  const note = `Share of right answers, ± standard error over ${first.examples} examples of ${first.length} tokens.`;
  return [
    {
      section,
      title: `${capital(name)}: right answers by distance`,
      note,
      head: head('Distance'),
      rows: [
        state,
        ...first.byDistance.map(({ from, to }) => [
          range(from, to),
          ...column(({ byDistance }) => cell(byDistance.find((row) => row.from === from))),
        ]),
      ],
    },
    ...Object.entries(first.byCondition).map(([condition, rows]) => ({
      section,
      title: `${capital(name)}: right answers by ${condition}`,
      note,
      head: head(capital(condition)),
      rows: [
        state,
        ...rows.map(({ value }) => [
          `${Number(value.toPrecision(3))}`,
          ...column(({ byCondition }) => cell(byCondition[condition]?.find((row) => row.value === value))),
        ]),
      ],
    })),
  ];
}

function costs(groups: readonly GroupResult[], results: Results): Table {
  const [{ costsLength }] = groups as [GroupResult];
  return {
    section: 'costs',
    title: 'State and cost',
    note:
      'Known from the settings alone. FLOPs of the forward pass per token; those of the state are reading and updating it, with softmax ' +
      'on the average over the length.',
    head: [
      'Variant',
      'State of a stream',
      `Key/value cache at ${positions(costsLength)}`,
      'Weight FLOPs',
      'State FLOPs',
      'Weight : state',
    ],
    rows: groups.map((group) => {
      const { stateBytes, cacheBytes, weightFlops, stateFlops, weightToState } = group.costs;
      return [
        groupName(group, results),
        stateBytes > 0 ? bytes(stateBytes) : 'grows',
        stateBytes > 0 ? `(${bytes(cacheBytes)})` : bytes(cacheBytes),
        quantity(weightFlops),
        quantity(stateFlops),
        ratio(weightToState),
      ];
    }),
  };
}

function speed(groups: readonly GroupResult[]): Table {
  const timed = groups.filter(({ measured }) => measured);
  return {
    section: 'costs',
    title: 'Speed and memory',
    note: 'As measured: tokens per second, bytes of tensors while training, and of what the model holds to remember one stream at its end.',
    head: ['Variant', 'Context', 'Backend', 'Training tokens/s', 'Training memory', 'Reading tokens/s', 'Remembering'],
    rows: timed.map(({ variant, context, measured }) => [
      variant,
      positions(context),
      measured!.backend,
      quantity(measured!.trainingTokensPerSecond),
      bytes(measured!.trainingBytes),
      measured!.evaluationTokensPerSecond === null ? '' : quantity(measured!.evaluationTokensPerSecond),
      measured!.pace.length === 0 ? '' : bytes(measured!.pace.at(-1)!.memoryBytes),
    ]),
  };
}

function number(value: number | null | undefined): string {
  if (value === null || value === undefined) return '';
  return Number.isFinite(value) ? value.toFixed(3) : 'not finite';
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${number(Math.abs(value))}`;
}

function percent(value: number | undefined): string {
  return value === undefined ? '' : `${(100 * value).toFixed(1)} %`;
}

function range(from: number, to: number): string {
  return to - from === 1 ? positions(from) : `${positions(from)}–${positions(to)}`;
}

function positions(value: number): string {
  return `${value}`.replace(/\B(?=(\d{3})+$)/g, ',');
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
