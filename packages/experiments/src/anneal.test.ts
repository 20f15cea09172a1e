// A file may say how fast mixed attention becomes power attention.

import { js } from '@sympow/kernels';
import { memoryStorage } from '@sympow/storage';
import { expect, it } from 'vitest';
import { openExperimentData } from './data';
import { parseExperiment } from './experiment';
import { planRuns } from './plan';
import { runExperiment, settingsOf } from './run';
import { RunFolder } from './runFolder';

const file = (anneal: unknown) =>
  JSON.stringify({
    data: { task: 'copy', options: { symbols: 4, length: 2 } },
    model: { hiddenSize: 8, layers: 1, heads: 1, headSize: 4 },
    training: { batch: 2, steps: 3, learningRate: 0.01 },
    variants: [{ variant: 'gated', model: { attention: 'mixed' }, training: { anneal } }],
    contexts: [32],
  });

it.each([2, { mix: { from: 1, to: 0.5, steps: 2 } }])('a variant is annealed by %j', async (anneal) => {
  const experiment = parseExperiment(file(anneal));
  const data = await openExperimentData(experiment, () => Promise.reject(new Error('no text')));
  const [run] = planRuns(experiment, data.vocabSize);
  expect(settingsOf(run!, data)).toMatchObject({ training: { anneal } });
  const storage = memoryStorage();
  const signal = new AbortController().signal;
  const bench = { experiment, data, compute: {}, open: () => js().open(), signal };
  for await (const event of runExperiment(bench, [run!], () => new RunFolder(storage))) void event;
  const json = await storage.folder('checkpoints').folder('step-00000003').read('training.json');
  const { settings } = JSON.parse(new TextDecoder().decode(json)) as { settings: object };
  expect(settings).toMatchObject({ anneal: typeof anneal === 'number' ? { mix: { steps: anneal } } : anneal });
});

it.each([0, 1.5, '3', {}, null])('%j is refused with its place', (anneal) => {
  expect(() => parseExperiment(file(anneal))).toThrow(/^variants\[0\]\.training\.anneal in the experiment is/);
});
