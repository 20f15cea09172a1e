// `training.json`, and the cursor in it that data go on from.
import { tokenSource, trainingBatches, type Cursor } from '@sympow/data';
import { memoryStorage } from '@sympow/model';
import { readTraining } from '@sympow/training';
import fc from 'fast-check';
import { changedJSON, changedText } from '../inputs';
import { target } from '../target';

const source = tokenSource([{ name: 'x', tokens: new Uint8Array(100) }], { vocabSize: 2 });
const cursor = trainingBatches(source, { batch: 2, context: 8 }).cursor();
const settings = { batch: 2, context: 8, steps: 4, learningRate: 1e-3, clip: 1 };
const data = { documents: 1, tokens: 100, firstRow: 5 };

export const training = target({
  name: 'training',
  inputs: fc.record({
    text: changedText({ version: 1, step: 3, settings, data, cursor }),
    cursor: changedJSON(cursor),
  }),
  async run({ text, cursor }) {
    const storage = memoryStorage();
    await storage.write('training.json', text);
    const failures: unknown[] = [];
    await readTraining(storage).catch((error: unknown) => failures.push(error));
    try {
      await trainingBatches(source, { batch: 2, context: 8, cursor: cursor as Cursor }).next();
    } catch (error) {
      failures.push(error);
    }
    for (const failure of failures) throw failure;
  },
});
