// Runs, each from where it stands to its end: training, then each measurement that is not there yet.

import { evaluationStreams, taskStreams, type Task } from '@sympow/data';
import { lossByPosition, recallAccuracy, type LossByPosition, type RecallAccuracy } from '@sympow/evaluation';
import type { Backend } from '@sympow/kernels';
import { configToJson, entriesOf, findCheckpoint, loadModel, Model, type ComputeOptions } from '@sympow/model';
import { train, type TrainingEvent } from '@sympow/training';
import type { ExperimentData } from './data';
import type { EvaluationSettings, Experiment, RecallTest } from './experiment';
import type { Run } from './plan';
import type { RunFolder } from './runFolder';

/** What all runs share. */
export interface Bench {
  readonly experiment: Experiment;
  readonly data: ExperimentData;
  readonly compute: ComputeOptions;
  /** Opens a backend for one run, which closes it. */
  readonly open: () => Promise<Backend>;
  readonly signal: AbortSignal;
  /** Wraps the training of one folder, such as with a lock. */
  readonly guard?: (path: string, events: AsyncIterable<TrainingEvent>) => AsyncIterable<TrainingEvent>;
}

/** What happens while a run is worked on. */
export type RunEvent =
  | { readonly type: 'training'; readonly event: TrainingEvent }
  /** A measurement under way: `done` of `total` streams or examples, and where in the streams it stands. */
  | {
      readonly type: 'measuring';
      readonly name: string;
      readonly done: number;
      readonly total: number;
      readonly position?: number;
      readonly length?: number;
    }
  | { readonly type: 'measured'; readonly name: string };

/** What happens while runs are worked on one after the other. */
export type ExperimentEvent =
  | (RunEvent & { readonly run: Run })
  /** A run begins, as the one of this number. */
  | { readonly type: 'run'; readonly run: Run; readonly number: number; readonly count: number }
  /** The signal came in this run. It can be gone on with. */
  | { readonly type: 'stopped'; readonly run: Run };

/** All that fixes the course of a run. */
export function settingsOf({ config, context, seed, schedule }: Run, { mark }: ExperimentData): object {
  // As it will come back from the file.
  return JSON.parse(
    JSON.stringify({ model: configToJson(config), context, seed, training: schedule, data: mark }),
  ) as object;
}

/** A measurement that every run gets. */
export interface Measurement {
  /** Its file. */
  readonly name: string;
  readonly settings: unknown;
  run(model: Model, signal: AbortSignal): AsyncGenerator<RunEvent, LossByPosition | RecallAccuracy>;
}

/** The measurements of an experiment. */
export function measurements({ evaluation, recall, variants }: Experiment, data: ExperimentData): Measurement[] {
  const contexts = [...new Set(variants.flatMap(({ contexts: own }) => own))].sort((a, b) => a - b);
  return [
    ...(evaluation && data.heldOut ? [lossMeasurement(evaluation, contexts, data)] : []),
    ...recall.map((test, i) => recallMeasurement(test, data.tests[i]!)),
  ];
}

function lossMeasurement(settings: EvaluationSettings, contexts: readonly number[], data: ExperimentData): Measurement {
  const { length, streams: maximum, batch, piece } = settings;
  // Bins that all runs have in common, and that no training context lies inside of.
  const first = Math.min(64, Math.max(1, Math.floor(contexts[0]! / 4)));
  return {
    name: 'loss',
    settings: { length, streams: maximum, edges: contexts, first },
    async *run(model, signal) {
      const streams = evaluationStreams(data.heldOut!, { length, batch, maximum });
      const options = { piece, first, edges: contexts, bytesPerToken: data.bytesPerToken, signal };
      for await (const event of lossByPosition(model, streams, options)) {
        if (event.type === 'result') return event.result;
        const { position, streams: done, totalStreams: total } = event;
        yield { type: 'measuring', name: 'loss', done, total, position, length };
      }
      throw new Error('evaluation ended without a result');
    },
  };
}

function recallMeasurement(
  { id, name, task: kind, options, length, count, batch, seed }: RecallTest,
  task: Task,
): Measurement {
  return {
    name: `recall-${id}`,
    settings: { task: kind, options, length, count, seed },
    async *run(model, signal) {
      for await (const event of recallAccuracy(model, taskStreams(task, { length, count, batch, seed }), { signal })) {
        if (event.type === 'result') return event.result;
        yield { type: 'measuring', name, done: event.examples, total: event.totalExamples };
      }
      throw new Error('evaluation ended without a result');
    },
  };
}

/**
 * Works on one run after the other until all are finished or the signal comes. Wherever it stops, the same call goes on.
 *
 * @throws ConfigError if a folder holds a run that was begun otherwise
 */
export async function* runExperiment(
  bench: Bench,
  runs: readonly Run[],
  folderOf: (run: Run) => RunFolder,
): AsyncGenerator<ExperimentEvent, void, undefined> {
  for (const [i, run] of runs.entries()) {
    yield { type: 'run', run, number: i + 1, count: runs.length };
    const events = executeRun(run, folderOf(run), bench);
    let next = bench.signal.aborted ? undefined : await events.next();
    for (; next && !next.done; next = await events.next()) yield { ...next.value, run };
    if (next?.value === true) continue;
    yield { type: 'stopped', run };
    return;
  }
}

/** @returns whether the run is finished; it is not when the signal came before */
async function* executeRun(run: Run, folder: RunFolder, bench: Bench): AsyncGenerator<RunEvent, boolean, undefined> {
  const { experiment, data, signal, compute } = bench;
  await folder.claim(settingsOf(run, data));
  const due = [];
  for (const measurement of measurements(experiment, data)) {
    if ((await folder.measured(measurement.name, measurement.settings)) === undefined) due.push(measurement);
  }
  const trained = await folder.trained();
  if (trained && due.length === 0) return true;
  const backend = await bench.open();
  try {
    let model: Model;
    if (trained) {
      const entries = entriesOf(run.config);
      model = await loadModel(backend, await findCheckpoint(folder.storage), { ...compute, entries });
    } else {
      model = Model.create(backend, run.config, { seed: run.seed, ...compute });
      if (!(yield* trainRun(run, model, folder, bench))) return false;
    }
    for (const { name, settings, run: measure } of due) {
      const result = yield* measure(model, signal);
      await folder.saveMeasured(name, { settings, result });
      yield { type: 'measured', name };
    }
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  } finally {
    await backend.close();
  }
}

/** @returns whether it came to its end */
async function* trainRun(
  run: Run,
  model: Model,
  folder: RunFolder,
  { experiment, data, signal, guard = (_, events) => events }: Bench,
): AsyncGenerator<RunEvent, boolean, undefined> {
  const { schedule, context, seed } = run;
  const { backend } = model;
  const { checkpointEvery } = experiment.training;
  const events = train({
    ...{ model, data: data.train, context, seed, signal },
    ...schedule,
    checkpoints: {
      ...{ storage: folder.storage, every: checkpointEvery, keep: 1 },
      ...(data.tokenizer && { files: { 'tokenizer.json': `${JSON.stringify(data.tokenizer.toJSON(), null, 2)}\n` } }),
    },
  });
  let start = performance.now();
  for await (const event of guard(folder.path, events)) {
    if (event.type === 'start') {
      await folder.keepSteps(event.step);
    } else if (event.type === 'step') {
      const { step, loss } = event;
      const saved = step % checkpointEvery === 0 || step === event.steps || signal.aborted;
      await folder.addStep({ step, loss, seconds: (performance.now() - start) / 1000 }, saved);
    }
    yield { type: 'training', event };
    // Before a checkpoint that an abort brings, and after one that came anyhow.
    if (signal.aborted || event.type === 'checkpoint') await folder.settle();
    if (event.type !== 'end') start = performance.now();
    else if (event.stopped) return false;
  }
  await folder.saveTrained({ step: schedule.steps, backend: backend.name, peakBytes: backend.memory().peakBytes });
  return true;
}

/** How far a run has come, in words. */
export async function progressOf(
  run: Run,
  folder: RunFolder,
  { experiment, data }: Pick<Bench, 'experiment' | 'data'>,
) {
  const trained = await folder.trained();
  const steps = (await folder.steps()).length;
  if (!trained) return steps > 0 ? `step ${steps}` : 'new';
  for (const { name, settings } of measurements(experiment, data)) {
    if ((await folder.measured(name, settings)) === undefined) return 'trained';
  }
  return 'finished';
}
