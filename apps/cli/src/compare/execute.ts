// One run from where it stands to its end: training, then each measurement that is not there yet.

import { evaluationStreams, taskStreams, type Task } from '@sympow/data';
import { lossByPosition, recallAccuracy, type LossByPosition, type RecallAccuracy } from '@sympow/evaluation';
import type { Backend } from '@sympow/kernels';
import { configToJson, findCheckpoint, loadModel, Model, type ComputeOptions } from '@sympow/model';
import { train } from '@sympow/training';
import { locked } from '../lock';
import { duration, quantity, type Output } from '../output';
import type { ExperimentData } from './data';
import { type EvaluationSettings, type Experiment, type RecallTest } from './experiment';
import type { Run } from './plan';
import type { RunFolder } from './runFolder';

/** What all runs share. */
export interface Bench {
  readonly experiment: Experiment;
  readonly data: ExperimentData;
  readonly compute: ComputeOptions;
  readonly open: () => Promise<Backend>;
  readonly signal: AbortSignal;
  readonly output: Output;
}

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
  run(model: Model, report: (text: string) => void, signal: AbortSignal): Promise<LossByPosition | RecallAccuracy>;
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
    async run(model, report, signal) {
      const streams = evaluationStreams(data.heldOut!, { length, batch, maximum });
      const options = { piece, first, edges: contexts, bytesPerToken: data.bytesPerToken, signal };
      for await (const event of lossByPosition(model, streams, options)) {
        if (event.type === 'result') return event.result;
        report(
          `position ${quantity(event.position)} of ${quantity(length)}, ${event.streams}/${event.totalStreams} streams`,
        );
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
    async run(model, report, signal) {
      for await (const event of recallAccuracy(model, taskStreams(task, { length, count, batch, seed }), { signal })) {
        if (event.type === 'result') return event.result;
        report(`${name}: ${event.examples}/${event.totalExamples} examples`);
      }
      throw new Error('evaluation ended without a result');
    },
  };
}

/**
 * Goes on with a run where it stands.
 *
 * @returns whether it is finished; it is not when the signal came before
 * @throws ConfigError if the folder holds a run that was begun otherwise
 */
export async function executeRun(run: Run, folder: RunFolder, label: string, bench: Bench): Promise<boolean> {
  const { experiment, data, signal, output, compute } = bench;
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
      model = await loadModel(backend, await findCheckpoint(folder.storage), compute);
    } else {
      model = Model.create(backend, run.config, { seed: run.seed, ...compute });
      if (!(await trainRun(run, model, folder, label, bench))) return false;
    }
    for (const { name, settings, run: measure } of due) {
      const result = await measure(model, (text) => output.progress(`${label}  ${text}`), signal);
      await folder.saveMeasured(name, { settings, result });
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
async function trainRun(run: Run, model: Model, folder: RunFolder, label: string, bench: Bench): Promise<boolean> {
  const { experiment, data, signal, output } = bench;
  const { schedule, context, seed } = run;
  const { backend } = model;
  const events = train({
    ...{ model, data: data.train, context, seed, signal },
    ...schedule,
    checkpoints: {
      ...{ storage: folder.storage, every: experiment.training.checkpointEvery, keep: 1 },
      ...(data.tokenizer && { files: { 'tokenizer.json': `${JSON.stringify(data.tokenizer.toJSON(), null, 2)}\n` } }),
    },
  });
  let start = performance.now();
  let loss = NaN;
  for await (const event of locked(folder.path, events)) {
    if (event.type === 'start') {
      await folder.keepSteps(event.step);
      for (const note of event.notes) output.note(`note: ${label}: ${note}`);
      output.note(event.step > 0 ? `${label}: going on from step ${event.step} of ${event.steps}` : label);
      start = performance.now();
    } else if (event.type === 'step') {
      const { step, loss: now } = event;
      const saved = step % experiment.training.checkpointEvery === 0 || step === event.steps || signal.aborted;
      folder.addStep({ step, loss: now, seconds: (performance.now() - start) / 1000 }, saved);
      loss = Number.isNaN(loss) ? event.loss : 0.95 * loss + 0.05 * event.loss;
      output.progress(
        `${label}  step ${event.step}/${event.steps}  loss ${loss.toFixed(3)}  ` +
          `${quantity(event.tokensPerSecond)} tokens/s  ${duration(event.secondsLeft)} left`,
      );
      start = performance.now();
    } else if (event.type === 'checkpoint') {
      start = performance.now();
    } else if (event.type === 'end' && event.stopped) {
      return false;
    }
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
  const steps = folder.steps().length;
  if (!trained) return steps > 0 ? `step ${steps}` : 'new';
  for (const { name, settings } of measurements(experiment, data)) {
    if ((await folder.measured(name, settings)) === undefined) return 'trained';
  }
  return 'finished';
}
