// An experiment in memory, from end to end: whole, and in parts.

import { textSource } from '@sympow/data';
import { js } from '@sympow/kernels';
import { memoryStorage, type Storage } from '@sympow/storage';
import { describe, expect, it } from 'vitest';
import { openExperimentData } from './data';
import { parseExperiment } from './experiment';
import { planRuns, type Run } from './plan';
import { gatherResults } from './results';
import { runExperiment, settingsOf, type ExperimentEvent } from './run';
import { RunFolder } from './runFolder';
import { writeResults } from './writeResults';

const text = JSON.stringify({
  title: 'In memory',
  model: { hiddenSize: 8, layers: 1, heads: 1, headSize: 4 },
  training: { batch: 2, steps: 7, learningRate: 0.01, checkpointEvery: 3 },
  variants: ['conformal', 'sympow'],
  contexts: [8],
  evaluation: { length: 16, streams: 2 },
  recall: [{ task: 'copy', length: 32, count: 2 }],
});
const experiment = parseExperiment(text);
const books = Object.assign(textSource('to be or not to be, that is the question. '.repeat(30)), { notes: [] });
const data = await openExperimentData(experiment, () => Promise.resolve(books));
const runs = planRuns(experiment, data.vocabSize);
const foldersIn =
  (storage: Storage) =>
  ({ id }: Run) =>
    new RunFolder(storage.folder('runs').folder(id));

/** Works until the end, or until `stops` says so of an event. */
async function work(storage: Storage, stops: (event: ExperimentEvent) => boolean = () => false) {
  const controller = new AbortController();
  const bench = { experiment, data, compute: {}, open: () => js().open(), signal: controller.signal };
  const events: ExperimentEvent[] = [];
  for await (const event of runExperiment(bench, runs, foldersIn(storage))) {
    events.push(event);
    if (stops(event)) controller.abort();
  }
  return events;
}

/** What does not depend on the machine. */
async function resultsOf(storage: Storage) {
  const results = await gatherResults(experiment, data, runs, foldersIn(storage));
  return JSON.stringify(results, (key, value: unknown) => (key === 'measured' ? undefined : value));
}

const whole = memoryStorage();
const events = await work(whole);

describe('an experiment in memory', () => {
  it('trains and measures all runs, and says so', async () => {
    expect(events.filter(({ type }) => type === 'run')).toHaveLength(2);
    expect(events.filter((event) => event.type === 'training' && event.event.type === 'step')).toHaveLength(14);
    expect(events.flatMap((event) => (event.type === 'measured' ? [event.name] : []))).toEqual(
      ['loss', 'recall-copy', 'loss', 'recall-copy'], // prettier-ignore
    );
    expect(
      (JSON.parse(await resultsOf(whole)) as { runs: { finished: boolean }[] }).runs.every((run) => run.finished),
    ).toBe(true);
    expect(await work(whole)).toHaveLength(2);
  });

  it.each<[string, (event: ExperimentEvent) => boolean]>([
    [
      'in the middle of the training',
      (event) => event.type === 'training' && event.event.type === 'step' && event.event.step === 5,
    ],
    ['in a measurement', ({ type }) => type === 'measuring'],
    ['between two runs', (event) => event.type === 'run' && event.number === 2],
  ])('that is stopped %s gives the same when it has gone on', async (_, stops) => {
    const storage = memoryStorage();
    let stopped = false;
    const first = await work(storage, (event) => !stopped && (stopped = stops(event)));
    expect(first.at(-1).type).toBe('stopped');
    await work(storage);
    expect(await resultsOf(storage)).toBe(await resultsOf(whole));
  });

  it('writes what came out', async () => {
    const results = await gatherResults(experiment, data, runs, foldersIn(whole));
    await writeResults(whole, results, { file: text, machine: 'This one.' });
    expect(await whole.list()).toEqual(expect.arrayContaining(['report.html', 'report.md', 'results.json', 'runs']));
    expect(new TextDecoder().decode(await whole.read('report.md'))).toContain('In memory');
  });

  it('refuses a folder that holds another run', async () => {
    const folder = foldersIn(whole)(runs[0]!);
    await expect(folder.claim(settingsOf({ ...runs[0]!, seed: 9 }, data))).rejects.toThrow(/^seed of memory\/runs\//);
  });
});
