// What the runs of an experiment are trained and tested on.

import { fingerprint, heldOut, openTask, taskBatches, type Task, type Tokenizer, type TokenSource } from '@sympow/data';
import { ConfigError } from '@sympow/kernels';
import type { TrainingData } from '@sympow/training';
import { isTaskData, type Experiment, type TaskData, type TextData } from './experiment';
import { atPlaceNow } from './place';

/** Opened data. */
export interface ExperimentData {
  /** By what it is known again, and for people. */
  readonly mark: DataMark;
  readonly vocabSize: number;
  readonly train: TrainingData;
  /** Text that is not trained on; a task has none. */
  readonly heldOut?: TokenSource | undefined;
  /** Of text. */
  readonly tokenizer?: Tokenizer | undefined;
  /** `nats per byte` or `nats per token`. */
  readonly unit: string;
  readonly bytesPerToken?: number | undefined;
  readonly notes: readonly string[];
  /** One for each test of recall. */
  readonly tests: readonly Task[];
}

/** What results say about the data that they come from, such as its files and their sizes. */
export type DataMark = Readonly<Record<string, unknown>>;

/** Text that has been opened, with what there is to say about it. */
export type Texts = TokenSource & { readonly notes: readonly string[] };

/**
 * Opens the data of an experiment.
 *
 * @param open - opens the text of an experiment that is not trained on a task
 * @throws ConfigError for a task or options that there are not; what `open` throws
 */
export async function openExperimentData(
  { data, recall, path }: Experiment,
  open: (text: TextData) => Promise<Texts>,
): Promise<ExperimentData> {
  const opened = isTaskData(data) ? openTaskData(data, path) : await prepareText(data, await open(data));
  const material = { filler: opened.heldOut, tokenizer: opened.tokenizer };
  const tests = recall.map(({ task, options }, i) =>
    atPlaceNow(`recall[${i}] in ${path}`, () => openTask(task, options, material)),
  );
  for (const [i, { vocabSize }] of tests.entries()) {
    if (vocabSize <= opened.vocabSize) continue;
    const what = `vocabulary of recall[${i}] in ${path}`;
    const expected = `at most the ${opened.vocabSize} tokens that the models are trained on`;
    throw new ConfigError({ what, value: vocabSize, expected });
  }
  return { ...opened, tests };
}

function openTaskData({ task: name, options, targets }: TaskData, path: string): Omit<ExperimentData, 'tests'> {
  const task = atPlaceNow(`data in ${path}`, () => openTask(name, options));
  return {
    mark: { task: name, options, targets },
    vocabSize: task.vocabSize,
    train: (batches) => taskBatches(task, { ...batches, targets }),
    unit: 'nats per token',
    notes: [],
  };
}

async function prepareText(
  { heldOut: fraction, split }: TextData,
  source: Texts,
): Promise<Omit<ExperimentData, 'tests'>> {
  const { tokenizer } = source;
  const { train, heldOut: rest } = heldOut(source, { fraction, by: split });
  return {
    mark: {
      documents: source.documentCount,
      tokens: source.tokenCount,
      content: await fingerprint(source),
      heldOutTokens: rest.tokenCount,
      ...{ heldOut: fraction, split, tokenizer: tokenizer?.name ?? 'unknown' },
    },
    vocabSize: source.vocabSize,
    train,
    heldOut: rest,
    tokenizer,
    ...(tokenizer?.name === 'bytes' ? { unit: 'nats per byte', bytesPerToken: 1 } : { unit: 'nats per token' }),
    notes: source.notes,
  };
}
