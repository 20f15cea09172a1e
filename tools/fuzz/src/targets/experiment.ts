// Experiment files of `sympow compare`.
import { parseExperiment } from '@sympow/experiments';
import { changedText } from '../inputs';
import { target } from '../target';

const task = {
  title: 'A title',
  data: { task: 'recall', options: { pairs: [2] } },
  model: { layers: 1, hiddenSize: 16 },
  training: { batch: 4, steps: 10, learningRate: 0.001 },
  variants: ['conformal', { name: 'other', variant: 'softmax', seeds: [1], contexts: [16] }],
  contexts: [8, 16],
  seeds: [0, 1],
  evaluation: { length: 32, streams: 4 },
  recall: [{ task: 'copy', length: 32 }],
  baseline: 'other',
};

export const experiment = target({
  name: 'experiment',
  inputs: changedText(task, { ...task, data: { paths: ['books'], heldOut: 0.1 }, baseline: undefined }),
  run: (bytes) => void parseExperiment(new TextDecoder().decode(bytes)),
});
