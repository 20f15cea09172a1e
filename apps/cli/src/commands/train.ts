// `sympow train`: a new run on text, or one that goes on where it was stopped or killed.

import type { Communicator } from '@sympow/core';
import type { Backend } from '@sympow/kernels';
import { folderStorage, Model, type ModelEntries } from '@sympow/model';
import { train as trainModel, trainingSettings } from '@sympow/training';
import type { Command as CommanderCommand } from 'commander';
import { openBackend, withBackend, type BackendFlags } from '../backends';
import { openEntries, withEntries, type EntryFlags } from '../entries';
import { tellParent } from '../child';
import { some, whole, type Command } from '../command';
import { openData, unitOf, withData, type DataFlags } from '../dataOptions';
import { interruptible } from '../interrupt';
import { locked } from '../lock';
import {
  computeOf,
  configOf,
  describeSize,
  withCompute,
  withModel,
  type ComputeFlags,
  type ModelFlags,
} from '../modelOptions';
import { amongRanks, withRanks, type RankFlags } from '../ranks';
import { trainedInVain } from '../room';
import { settingsOf, withSettings } from '../settingFlags';
import { duration, quantity, type Output } from '../output';

interface Flags extends BackendFlags, ModelFlags, ComputeFlags, DataFlags, EntryFlags, RankFlags {
  out: string;
  context: number;
  batch: number;
  accumulate: number;
  steps: number;
  evalEvery: number;
  evalRows: number;
  checkpointEvery: number;
  keep: number;
  resume: boolean;
  seed: number;
}

/** The object of --json. */
export interface TrainResult {
  readonly steps: number;
  readonly trainLoss: number | null;
  readonly heldOutLoss: number | null;
  /** Of the last steps; start, held-out losses and saving are not counted. 0 where there was no step to take. */
  readonly tokensPerSecond: number;
  readonly parameters: number;
  readonly checkpoint: string | null;
}

/** Share of an older loss in the one that is shown: single batches jump about. */
const smoothing = 0.95;

async function runTraining(
  backend: Backend,
  paths: readonly string[],
  flags: Flags,
  entries: ModelEntries,
  communicator: Communicator,
  output: Output,
  signal: AbortSignal,
): Promise<TrainResult> {
  const { all, train, 'held-out': heldOut } = await openData(paths, flags, output);
  const { tokenizer } = all;
  const known = all.notes.length;
  const config = configOf(flags, all.vocabSize, entries);
  const compute = computeOf(flags);
  const { batch, context, accumulate, steps } = flags;
  output.note(
    `${flags.variant}: ${describeSize(config, { batch: batch / accumulate / communicator.size, context }, compute)}`,
  );
  const vain = trainedInVain(config, backend);
  if (vain) output.note(`note: ${vain}`);
  const model = Model.create(backend, config, { seed: flags.seed, ...compute });
  let parameters = 0;
  let trainLoss: number | null = null;
  let heldOutLoss: number | null = null;
  let tokensPerSecond = 0;
  let checkpoint: string | null = null;
  const events = trainModel({
    model,
    data: train,
    ...settingsOf(flags, trainingSettings),
    ...{ batch, context, accumulate, steps, seed: flags.seed, communicator, signal },
    evaluation: { data: heldOut, every: flags.evalEvery, rows: flags.evalRows },
    checkpoints: {
      storage: folderStorage(flags.out),
      every: flags.checkpointEvery,
      keep: flags.keep,
      ...(tokenizer && { files: { 'tokenizer.json': `${JSON.stringify(tokenizer.toJSON(), null, 2)}\n` } }),
      resume: flags.resume,
    },
  });
  // The folder is that of process 0, which alone writes there.
  for await (const event of communicator.rank === 0 ? locked(flags.out, events) : events) {
    tellParent(event);
    if (event.type === 'start') {
      parameters = event.parameters;
      checkpoint = event.resumedFrom ?? null;
      for (const note of event.notes) output.note(`note: ${note}`);
      output.note(
        event.resumedFrom
          ? `going on from ${event.resumedFrom}, step ${event.step} of ${event.steps}`
          : `training on ${event.backend}, ${quantity(event.tokensPerStep)} tokens per step`,
      );
    } else if (event.type === 'step') {
      tokensPerSecond = event.tokensPerSecond;
      trainLoss = trainLoss === null ? event.loss : smoothing * trainLoss + (1 - smoothing) * event.loss;
      output.progress(
        `step ${event.step}/${event.steps}  loss ${trainLoss.toFixed(3)}  lr ${event.learningRate.toExponential(1)}  ` +
          `${quantity(event.tokensPerSecond)} tokens/s  ${duration(event.secondsLeft)} left`,
      );
    } else if (event.type === 'evaluation') {
      heldOutLoss = event.loss;
      output.note(
        `step ${event.step}: loss ${(trainLoss ?? NaN).toFixed(3)}, held out ${event.loss.toFixed(3)} ${unitOf(all)}`,
      );
    } else if (event.type === 'checkpoint') {
      checkpoint = event.path;
    } else {
      for (const note of all.notes.slice(known)) output.note(`note: ${note}`);
      if (event.stopped)
        output.note(`stopped at step ${event.step} of ${event.steps}; the same command goes on from there`);
      return {
        steps: event.step,
        trainLoss,
        heldOutLoss,
        tokensPerSecond,
        parameters,
        checkpoint: event.checkpoint ?? checkpoint,
      };
    }
  }
  throw new Error('training ended without saying so');
}

function options(command: CommanderCommand): void {
  command
    .optionsGroup('Run:')
    .requiredOption(
      '--out <folder>',
      'where the run is kept; a run that is there already goes on',
      some('--out', 'a folder'),
    )
    .option('--eval-every <n>', 'steps between held-out losses', whole('--eval-every'), 100)
    .option('--eval-rows <n>', 'most rows of a held-out loss', whole('--eval-rows'), 64)
    .option('--checkpoint-every <n>', 'steps between checkpoints', whole('--checkpoint-every'), 100)
    .option('--keep <n>', 'checkpoints that stay', whole('--keep'), 2)
    .option('--no-resume', 'refuse a folder that holds a run');
  withSettings(withData(withRanks(command)).optionsGroup('Training:'), trainingSettings);
  withCompute(withBackend(withEntries(withModel(command))));
}

export const train: Command = {
  name: 'train',
  description: 'Train a model on text. Ctrl-C saves and stops; the same command goes on.',
  examples: [
    'sympow train books --out runs/books --steps 200',
    'sympow train books --out runs/wide --variant gated --hidden 256 --layers 6',
  ],
  options,
  async run(args, options) {
    const flags = options as unknown as Flags;
    const entries = await openEntries(flags);
    // Settings that cannot be are said before data are read.
    configOf(flags, undefined, entries);
    await amongRanks(flags, flags.out, async (communicator, output) => {
      const backend = await openBackend(flags);
      try {
        const result = await interruptible(output.note, (signal) =>
          runTraining(backend, args[0] as string[], flags, entries, communicator, output, signal),
        );
        output.note(`checkpoint ${result.checkpoint ?? 'none'}`);
        output.json(result);
      } finally {
        await backend.close();
      }
    });
  },
};
