// What the runs of an experiment gave, as one object: each run, and the means over the seeds. What depends on the machine stands
// under `measured`; all else is the same whenever and in however many parts the experiment was run.

import {
  averageLosses,
  averageRecall,
  modelCosts,
  type AverageLoss,
  type LossByPosition,
  type ModelCosts,
  type Pace,
  type RecallAccuracy,
} from '@sympow/evaluation';
import { configToJson } from '@sympow/model';
import type { ExperimentData } from './data';
import { measurements } from './run';
import { isTaskData, type Experiment } from './experiment';
import type { Run } from './plan';
import type { RunFolder, StepRecord } from './runFolder';

type Times = 'seconds' | 'tokensPerSecond';
export type Loss = Omit<LossByPosition, Times | 'pace'>;
export type Recall = Omit<RecallAccuracy, Times>;

/** What depends on the machine. */
export interface RunMeasured {
  readonly backend: string;
  readonly trainingSeconds: number;
  readonly trainingTokensPerSecond: number;
  /** Most bytes of tensors at one time while training. */
  readonly trainingBytes: number;
  readonly evaluationTokensPerSecond: number | null;
  readonly pace: readonly Pace[];
}

/** A block of consecutive steps. */
export interface CurvePoint {
  /** The last step of it. */
  readonly step: number;
  readonly loss: number;
}

/** What one run has found so far. */
export interface RunResult {
  readonly id: string;
  readonly variant: string;
  readonly context: number;
  readonly seed: number;
  readonly config: Record<string, unknown>;
  readonly parameters: number;
  readonly batch: number;
  readonly steps: number;
  readonly finished: boolean;
  /** Mean loss of the last tenth of the steps; null where there was none yet. */
  readonly trainLoss: number | null;
  readonly curve: readonly CurvePoint[];
  readonly loss: Loss | null;
  readonly recall: Readonly<Record<string, Recall>>;
  readonly measured: RunMeasured | null;
}

/** A variant at a context: the mean over the seeds that are finished. */
export interface GroupResult {
  readonly variant: string;
  readonly context: number;
  readonly seeds: readonly number[];
  /** For streams as long as what is evaluated. */
  readonly costs: ModelCosts;
  readonly costsLength: number;
  readonly trainLoss: number | null;
  readonly curve: readonly CurvePoint[];
  readonly loss: Omit<AverageLoss, Times | 'pace'> | null;
  readonly recall: Readonly<Record<string, Recall>>;
  readonly measured: RunMeasured | null;
}

/** All that an experiment has found so far: what reports, tables and charts are made of. Plain data, written as `results.json`. */
export interface Results {
  readonly format: 1;
  readonly title: string;
  readonly description?: string | undefined;
  readonly unit: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly variants: readonly string[];
  readonly contexts: readonly number[];
  readonly baseline: string;
  readonly tests: readonly {
    readonly id: string;
    readonly name: string;
    readonly task: string;
    readonly length: number;
  }[];
  readonly length: number | null;
  readonly runs: readonly RunResult[];
  readonly groups: readonly GroupResult[];
}

/** Reads what there is of all runs. */
export async function gatherResults(
  experiment: Experiment,
  data: ExperimentData,
  runs: readonly Run[],
  folderOf: (run: Run) => RunFolder,
): Promise<Results> {
  const full: FullRun[] = [];
  for (const run of runs) full.push(await gatherRun(experiment, data, run, folderOf(run)));
  const { title, description, baseline, evaluation, variants, recall } = experiment;
  const keys = [...new Map(runs.map((run) => [`${run.variant} ${run.context}`, run])).values()];
  return {
    format: 1,
    title,
    ...(description !== undefined && { description }),
    unit: data.unit,
    data: data.mark,
    variants: variants.map(({ name }) => name),
    contexts: [...new Set(runs.map(({ context }) => context))].sort((a, b) => a - b),
    baseline,
    tests: recall.map(({ id, name, task, length }) => ({ id, name, task, length })),
    length: evaluation && !isTaskData(experiment.data) ? evaluation.length : null,
    runs: full.map(({ result }) => result),
    groups: keys.map((run) => groupOf(experiment, run, full)),
  };
}

/** A run with the times that are taken out of its result. */
interface FullRun {
  readonly run: Run;
  readonly result: RunResult;
  readonly timedLoss: LossByPosition | null;
}

async function gatherRun(experiment: Experiment, data: ExperimentData, run: Run, folder: RunFolder): Promise<FullRun> {
  const trained = await folder.trained();
  const steps = trained ? await folder.stepsTo(trained.step) : [];
  const found = new Map<string, unknown>();
  const due = measurements(experiment, data);
  for (const { name, settings } of due) {
    const result = await folder.measured(name, settings);
    if (result !== undefined) found.set(name, revived(result));
  }
  const timedLoss = (found.get('loss') as LossByPosition | undefined) ?? null;
  const { id, variant, context, seed, config, schedule } = run;
  const recall = experiment.recall.flatMap(({ id: test, name }) => {
    const result = found.get(`recall-${test}`) as RecallAccuracy | undefined;
    return result ? [[name, withoutTimes(result)] as const] : [];
  });
  const result: RunResult = {
    ...{ id, variant, context, seed, config: configToJson(config) },
    parameters: modelCosts(config, { context }).parameters,
    batch: schedule.batch,
    steps: schedule.steps,
    finished: trained !== undefined && found.size === due.length,
    trainLoss: trained ? lastTenth(steps) : null,
    curve: trained ? curveOf(steps) : [],
    loss: timedLoss && withoutTimes(timedLoss),
    recall: byName(recall),
    measured: trained
      ? {
          backend: trained.backend,
          trainingSeconds: sum(steps.map(({ seconds }) => seconds)),
          trainingTokensPerSecond: (schedule.batch * context) / median(steps.map(({ seconds }) => seconds)),
          trainingBytes: trained.peakBytes,
          evaluationTokensPerSecond: timedLoss?.tokensPerSecond ?? null,
          pace: timedLoss?.pace ?? [],
        }
      : null,
  };
  return { run, result, timedLoss };
}

function groupOf({ evaluation, recall }: Experiment, run: Run, all: readonly FullRun[]): GroupResult {
  const { variant, context, config } = run;
  const own = all.filter(
    (each) => each.run.variant === variant && each.run.context === context && each.result.finished,
  );
  const results = own.map(({ result }) => result);
  const losses = own.flatMap(({ timedLoss }) => (timedLoss ? [timedLoss] : []));
  const average = losses.length > 0 ? averageLosses(losses) : null;
  const costsLength = Math.max(context, evaluation?.length ?? 0, ...recall.map(({ length }) => length));
  const measured = results.flatMap((result) => (result.measured ? [result.measured] : []));
  return {
    ...{ variant, context, costsLength },
    seeds: own.map((each) => each.run.seed),
    costs: modelCosts(config, { context: costsLength }),
    trainLoss: results.length > 0 ? mean(results.map(({ trainLoss }) => trainLoss!)) : null,
    curve: (results[0]?.curve ?? []).map(({ step }, i) => ({
      step,
      loss: mean(results.map(({ curve }) => curve[i]!.loss)),
    })),
    loss: average && withoutTimes(average),
    recall: byName(
      recall.flatMap(({ name }) => {
        const found = results.flatMap((result) => (result.recall[name] ? [result.recall[name]] : []));
        return found.length > 0 ? [[name, averageRecall(found)] as const] : [];
      }),
    ),
    measured: measured[0]
      ? {
          backend: measured[0].backend,
          trainingSeconds: mean(measured.map(({ trainingSeconds }) => trainingSeconds)),
          trainingTokensPerSecond: mean(measured.map(({ trainingTokensPerSecond }) => trainingTokensPerSecond)),
          trainingBytes: Math.max(...measured.map(({ trainingBytes }) => trainingBytes)),
          evaluationTokensPerSecond: average?.tokensPerSecond ?? null,
          pace: average?.pace ?? [],
        }
      : null,
  };
}

/** Values under names that people gave: `constructor` is one like any other. */
function byName<V>(entries: readonly (readonly [string, V])[]): Record<string, V> {
  return Object.assign(Object.create(null) as Record<string, V>, Object.fromEntries(entries));
}

function withoutTimes<R extends object>(result: R): Omit<R, Times | 'pace'> {
  const { seconds: _, tokensPerSecond: __, pace: ___, ...rest } = result as R & Record<Times | 'pace', unknown>;
  return rest;
}

/** Losses that are not finite are null in JSON, and NaN again here. */
function revived(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => (item === null ? NaN : revived(item)));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, item === null && key === 'nats' ? NaN : revived(item)]),
  );
}

const mostPoints = 60;

/** At most so many blocks of equal length, and the rest. */
function curveOf(steps: readonly StepRecord[]): CurvePoint[] {
  const size = Math.max(1, Math.ceil(steps.length / mostPoints));
  const points: CurvePoint[] = [];
  for (let from = 0; from < steps.length; from += size) {
    const block = steps.slice(from, from + size);
    points.push({ step: block[block.length - 1]!.step, loss: mean(block.map(({ loss }) => loss)) });
  }
  return points;
}

function lastTenth(steps: readonly StepRecord[]): number | null {
  const last = steps.slice(-Math.ceil(steps.length / 10));
  return last.length > 0 ? mean(last.map(({ loss }) => loss)) : null;
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
