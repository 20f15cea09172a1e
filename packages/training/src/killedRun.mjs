// A small run for killed.test.ts, which bundles it, starts it as a process of its own, kills it and starts it again.
// Arguments: the folder of the run, and after how many calls of the file system it kills itself (0 for never).
import { textSource } from '@sympow/data';
import { js } from '@sympow/kernels';
import { folderStorage, Model, modelConfig } from '@sympow/model';
import { train } from './train';

const [path = '', calls = '0'] = process.argv.slice(2);

const fs = process.getBuiltinModule('node:fs/promises');
let left = Number(calls);
for (const name of /** @type {const} */ (['open', 'rename', 'rm'])) {
  /** @type {(...parameters: any[]) => Promise<any>} */
  const call = fs[name];
  Object.assign(fs, {
    [name]: (/** @type {any[]} */ ...parameters) => {
      if (--left === 0) process.kill(process.pid, 'SIGKILL');
      return call(...parameters);
    },
  });
}

const backend = await js().open();
const shape = { vocabSize: 256, hiddenSize: 16, layers: 2, heads: 2, headSize: 8 };
const model = Model.create(backend, modelConfig(shape), { seed: 3 });
const data = textSource('a rose is a rose is a rose. '.repeat(30));
const checkpoints = { storage: folderStorage(path), every: 3 };
for await (const event of train({ model, data, batch: 2, context: 16, steps: 40, checkpoints })) {
  process.stdout.write(`${event.type} ${event.step}\n`);
}
