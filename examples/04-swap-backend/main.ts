// One model on one backend after another. The numbers agree, the speed does not.
import { Tape } from '@sympow/autograd';
import { openBackend } from '@sympow/backends';
import { loadModel, memoryStorage, Model, modelConfig, saveModel } from '@sympow/model';

const shape = { vocabSize: 256, hiddenSize: 64, layers: 2, heads: 2, headSize: 32, initStd: 0.15 };
const text = new TextEncoder().encode('Whatever computes it, the model is the same. '.repeat(8));
const T = text.length;

// Made once, on plain JavaScript, and kept.
const folder = memoryStorage(); // or folderStorage('models/first'), or an address
const { backend: definition } = await openBackend('js');
await saveModel(folder, Model.create(definition, modelConfig(shape), { seed: 1 }));
await definition.close();

const means: number[] = [];
for (const wanted of ['auto', 'wasm', 'js']) {
  // auto is the first of webgpu, wasm and js that can run here, and says why it is no other.
  const { backend, name, refused } = await openBackend(wanted);
  const reasons = refused.map(({ reason }) => reason);
  console.log(`${wanted}: ${name}`, reasons); // such as auto: wasm [ 'there is no GPU' ]
  const model = await loadModel(backend, folder);
  const tokens = backend.upload(Int32Array.from(text), [1, T]);
  const forward = async () => {
    const tape = new Tape(backend, { record: false });
    return backend.scope((keep) => keep(model.forward(tape, tokens).value)).read(); // [1, T, 256]
  };
  await forward(); // what compiles, compiles
  const start = performance.now();
  const logits = Float32Array.from(await forward());
  const perSecond = T / ((performance.now() - start) / 1000);
  means.push(logits.reduce((sum, x) => sum + Math.abs(x), 0) / logits.length);
  console.log(`${Math.round(perSecond)} tokens/s, logits of ${means.at(-1)?.toFixed(5)} on average`); // such as 50000
  await backend.close();
}
const agree = means.every((mean) => Math.abs(mean / means[0]! - 1) < 1e-3);
console.log(means.length, agree); // 3 true
