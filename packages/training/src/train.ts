/** The training loop: a stream of events, in memory that stays the same from the first update to the last. */

import { oneProcess, requireSame, together } from '@sympow/core';
import type { TrainingBatches } from '@sympow/data';
import { ConfigError, nextTurn } from '@sympow/kernels';
import { configToJson, latestCheckpoint, modelSize, prepareCheckpoints, saveCheckpoint } from '@sympow/model';
import { AdamW } from './adamw';
import { setAnnealed } from './anneal';
import type { EndEvent, StartEvent, TrainingEvent, TrainingOptions, TrainingResult } from './api';
import { TrainingError } from './errors';
import { heldOutLoss, heldOutStreams } from './loss';
import { computedBy, dataMark, resumeNotes, type DataMark } from './marks';
import { fromFirst, readByFirst, requireSameWeights } from './ranks';
import { readState, requireSameRun, requireStep, restoreTraining, trainingFiles } from './resume';
import { warmupCosine } from './schedule';
import { checkOptions, evaluationSettings, openBatches, runSettings, type RunSettings } from './settings';
import { SharedGradients } from './shared';
import { trainingStep, type StepReport } from './step';

/**
 * Trains a model.
 *
 * With `checkpoints` a run that was stopped or killed at any moment goes on when it is started again with the same options,
 * and ends with the same weights, bit for bit on a backend that computes the same way. Leaving the loop with `break` ends
 * the run without saving; abort the signal to stop and save.
 *
 * @throws ConfigError for options out of range; while running, for options other than those that the run began with
 * @throws DataError if there is too little data
 * @throws TrainingError when the loss or the gradient norm is not finite; the weights are then those before that update
 * @throws CheckpointError if a checkpoint cannot be read or written; those saved before are intact
 * @example
 * ```ts
 * import { heldOut, textSource } from '@sympow/data';
 * import { js } from '@sympow/kernels';
 * import { Model, modelConfig } from '@sympow/model';
 * import { train } from '@sympow/training';
 * const backend = await js().open();
 * const model = Model.create(backend, modelConfig({ vocabSize: 256, hiddenSize: 16, layers: 1, heads: 2, headSize: 8 }));
 * const data = textSource('to be or not to be '.repeat(20));
 * for await (const event of train({ model, data, batch: 4, context: 16, steps: 20, learningRate: 1e-2 })) {
 *   if (event.type === 'step') console.log(event.step, event.loss);
 * }
 * ```
 */
export function train(options: TrainingOptions): AsyncGenerator<TrainingEvent, TrainingResult, undefined> {
  checkOptions(options);
  warmupCosine(runSettings(options));
  return together(options.communicator ?? oneProcess, run(options), ({ type }) => type === 'end');
}

async function* run(options: TrainingOptions): AsyncGenerator<TrainingEvent, TrainingResult, undefined> {
  const { model, steps, accumulate = 1, communicator = oneProcess, checkpoints, signal } = options;
  const alone = communicator.size === 1;
  const evaluation = options.evaluation && evaluationSettings(options.evaluation, options);
  const streams = evaluation && heldOutStreams(evaluation);
  const optimizer = new AdamW(model.backend, model.trained, model.decays, options);
  try {
    const begun = await begin(options, optimizer);
    const { settings, batches, mark } = begun;
    let { step, checkpoint } = begun;
    setAnnealed(model, settings.anneal, step);
    await requireSameWeights(model, step, communicator);
    yield startEvent(options, begun);

    const schedule = warmupCosine(settings);
    const computed = computedBy(options);
    const shared = alone ? undefined : new SharedGradients(model, communicator, options.gradientFormat);
    const speed = new Speed();
    let saved = step;
    let stops = false;
    let loss: number | undefined;
    const write = async () => {
      const state = trainingFiles({ step, settings, data: mark, computed, cursor: batches.cursor() }, optimizer);
      const { storage, keep, files } = checkpoints!;
      return (await saveCheckpoint(storage, { model, step, keep, files: { ...files, ...state } })).path;
    };
    const save = async () => {
      await requireSameWeights(model, step, communicator);
      checkpoint = await fromFirst(communicator, write);
      saved = step;
      return { type: 'checkpoint', step, path: checkpoint } as const;
    };

    while (step < steps && !(alone ? signal?.aborted : stops)) {
      const start = performance.now();
      const pieces = [];
      for (let piece = 0; piece < accumulate; piece++) pieces.push(await batches.next());
      const learningRate = schedule(step + 1);
      let report: Report;
      if (!shared) report = await readReport(trainingStep(model, optimizer, pieces, learningRate));
      else {
        const update = await shared.step(optimizer, pieces, learningRate, signal?.aborted ?? false);
        stops = update.stops;
        report = await readReport(update);
      }
      requireFinite(report, step + 1, checkpoint);
      step++;
      setAnnealed(model, settings.anneal, step);
      loss = report.loss;
      await nextTurn();
      speed.add((performance.now() - start) / 1000);
      yield {
        type: 'step',
        step,
        steps,
        loss,
        learningRate,
        gradientNorm: report.gradientNorm,
        tokensPerSecond: (settings.batch * settings.context) / speed.secondsPerStep,
        secondsLeft: (steps - step) * speed.secondsPerStep,
      };
      if (evaluation && streams && (step % evaluation.every === 0 || step === steps)) {
        const heldOut = await heldOutLoss(model, streams, signal, communicator);
        if (heldOut !== undefined) yield { type: 'evaluation', step, loss: heldOut };
      }
      if (checkpoints && step % (checkpoints.every ?? 500) === 0) yield await save();
    }
    if (checkpoints && saved !== step) yield await save();
    await communicator.barrier();

    const end: EndEvent = { type: 'end', step, steps, stopped: step < steps, loss, checkpoint };
    yield end;
    const { type: _, ...result } = end;
    return result;
  } finally {
    optimizer.dispose();
  }
}

interface Begun {
  readonly settings: RunSettings;
  readonly batches: TrainingBatches;
  readonly mark: DataMark;
  readonly step: number;
  readonly checkpoint: string | undefined;
  readonly notes: readonly string[];
}

/** Where the run starts: at its newest checkpoint, or at the beginning. */
async function begin(options: TrainingOptions, optimizer: AdamW): Promise<Begun> {
  const { model, batch, context, seed = 0, accumulate = 1, communicator = oneProcess, checkpoints } = options;
  const shape = { batch: batch / accumulate, context, seed };
  const mark = (like?: DataMark) => dataMark(openBatches(options, { ...shape, batch: 1 }), like);
  await requireSame(communicator, factsOf(options));
  if (checkpoints && communicator.rank === 0) await prepareCheckpoints(checkpoints.storage);
  const newest = checkpoints && (await latestCheckpoint(readByFirst(checkpoints.storage, communicator)));
  if (!newest) {
    const batches = openBatches(options, shape);
    const own = await mark();
    await requireSame(communicator, named('data', own));
    return { settings: runSettings(options), batches, mark: own, step: 0, checkpoint: undefined, notes: [] };
  }
  if (checkpoints.resume === false) {
    throw new ConfigError({
      what: 'resume',
      value: false,
      message: `${checkpoints.storage.path} holds a run already, and resume is false`,
      expected: 'a folder without checkpoints',
      remedy: 'Use another folder, or go on with that run.',
    });
  }
  const state = await readState(newest.storage);
  requireStep(newest, state);
  const settings = runSettings(options, state.settings);
  await requireSameRun(newest, state, model, settings, await mark(state.data));
  await restoreTraining(newest.storage, state.step, model, optimizer);
  const batches = openBatches(options, { ...shape, cursor: state.cursor });
  // What an earlier version did not note is noted from here on.
  const now = state.data.content === undefined ? await mark() : state.data;
  const notes = resumeNotes(state, { data: now, computed: computedBy(options) });
  return { settings, batches, mark: now, step: state.step, checkpoint: newest.storage.path, notes };
}

/** What all processes of a run have in common, but data and weights, which are compared when they are there. */
function factsOf(options: TrainingOptions): Record<string, unknown> {
  const { model, steps, checkpoints, evaluation } = options;
  const every = { checkpointEvery: checkpoints?.every, evaluationEvery: evaluation?.every, rows: evaluation?.rows };
  return {
    ...computedBy(options),
    ...{ steps, saves: checkpoints !== undefined, evaluates: evaluation !== undefined },
    ...every,
    ...runSettings(options),
    ...named('model', configToJson(model.config)),
  };
}

function named(of: string, facts: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(facts).map(([key, value]) => [`${of}: ${key}`, value as unknown]));
}

function startEvent(options: TrainingOptions, { step, checkpoint: resumedFrom, notes }: Begun): StartEvent {
  const { model, batch, context, steps, accumulate = 1, communicator = oneProcess } = options;
  const { name: backend, capabilities } = model.backend;
  const { parameters, trainingBytes } = modelSize(
    model.config,
    { batch: batch / accumulate / communicator.size, context },
    { blockBytes: capabilities.blockBytes },
  );
  const tokensPerStep = batch * context;
  const size = { parameters, tokensPerStep, memoryBytes: trainingBytes };
  return { type: 'start', step, steps, resumedFrom, notes, backend, ...size };
}

interface Report {
  readonly loss: number;
  readonly gradientNorm: number;
}

async function readReport({ loss, squaredNorm }: StepReport): Promise<Report> {
  try {
    const [lossNumbers, normNumbers] = await Promise.all([loss.read(), squaredNorm.read()]);
    return { loss: lossNumbers[0]!, gradientNorm: Math.sqrt(normNumbers[0]!) };
  } finally {
    loss.dispose();
    squaredNorm.dispose();
  }
}

function requireFinite({ loss, gradientNorm }: Report, step: number, checkpoint: string | undefined): void {
  for (const [what, value] of [
    ['loss', loss],
    ['gradient norm', gradientNorm],
  ] as const) {
    if (Number.isFinite(value)) continue;
    const untouched = checkpoint ? `The last checkpoint, ${checkpoint}, stays as it was. ` : '';
    throw new TrainingError({
      what: `${what} of step ${step}`,
      value,
      expected: 'a finite number',
      remedy: `${untouched}Begin a new run, from those weights if you like, with a lower learningRate or a longer warmup.`,
    });
  }
}

/** Seconds per update of late: a mean in which an update counts half as much as the one ten updates after it. */
class Speed {
  private seconds = 0;
  private weight = 0;

  add(seconds: number): void {
    const keep = 0.5 ** (1 / 10);
    this.seconds = keep * this.seconds + seconds;
    this.weight = keep * this.weight + 1;
  }

  get secondsPerStep(): number {
    return this.seconds / this.weight;
  }
}
