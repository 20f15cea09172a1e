// A comparison in which one model has a gate that no package knows. The experiment names it; planRuns is handed it.
import { linear, logSigmoid } from '@sympow/autograd';
import { gatherResults, openExperimentData, parseExperiment, planRuns } from '@sympow/experiments';
import { runExperiment, RunFolder, writeResults, type Run } from '@sympow/experiments';
import { js } from '@sympow/kernels';
import { matrixSpec, type Gate } from '@sympow/recurrence';
import { memoryStorage } from '@sympow/storage';

/** As the gate `data`, without its bias. */
const plain: Gate = {
  name: 'plain',
  says: 'one per token and head, from the layer’s input, without a bias',
  width: 1,
  parameters: ({ keyValueHeads: G, hiddenSize, initStd: std }) => ({
    'gate_proj.weight': matrixSpec(G, hiddenSize, { std }),
  }),
  logGates: (tape, h, weight) => logSigmoid(tape, linear(tape, h, weight('gate_proj.weight'))), // [B, T, G]
};

const text = JSON.stringify({
  title: 'Gates without a bias',
  data: { task: 'copy', options: { symbols: 8, length: 4 } },
  model: { hiddenSize: 16, layers: 1, heads: 1, headSize: 8 },
  training: { batch: 4, steps: 20, learningRate: 0.01 },
  variants: ['gated', { name: 'plain', variant: 'gated', model: { gate: 'plain' } }],
  contexts: [32],
});
const experiment = parseExperiment(text);
const data = await openExperimentData(experiment, () => {
  throw new Error('this experiment has no text');
});
const runs = planRuns(experiment, data.vocabSize, { gates: [plain] });

const storage = memoryStorage(); // or folderStorage('gates'), where a run that was stopped goes on
const folderOf = ({ id }: Run) => new RunFolder(storage.folder('runs').folder(id));
const bench = { experiment, data, compute: {}, open: () => js().open(), signal: new AbortController().signal };
for await (const event of runExperiment(bench, runs, folderOf)) if (event.type === 'run') console.log(event.run.id);
const results = await gatherResults(experiment, data, runs, folderOf);
await writeResults(storage, results, { file: text, machine: 'Written in memory.' });
console.log(results.runs.map(({ config, finished }) => `${String(config.gate)} ${finished}`).join()); // data true,plain true
