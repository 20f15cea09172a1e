// One model on every backend that runs here. The numbers agree, the speed does not.
import { Tape } from '@sympow/autograd';
import { backends, openBackend } from '@sympow/backends';
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
for (const { name } of backends) {
  try {
    const { backend } = await openBackend(name);
    const model = await loadModel(backend, folder);
    const tokens = backend.upload(Int32Array.from(text), [1, T]);
    const forward = async () => {
      const logits = backend.scope((keep) => keep(model.forward(new Tape(backend, { record: false }), tokens).value));
      return logits.read(); // [1, T, 256]
    };
    await forward(); // what compiles, compiles
    const start = performance.now();
    const logits = await forward();
    const ms = performance.now() - start;
    means.push(Float32Array.from(logits).reduce((sum, x) => sum + Math.abs(x), 0) / logits.length);
    console.log(`${name}: ${Math.round(T / (ms / 1000))} tokens/s, logits of ${means.at(-1)?.toFixed(5)} on average`); // such as wasm: 50000
    await backend.close();
  } catch (error) {
    console.log(`${name} does not run here: ${(error as Error).message}`); // such as webgpu does not run here
  }
}
console.log(
  means.length > 1,
  means.every((mean) => Math.abs(mean / means[0]! - 1) < 1e-3),
); // true true
