// What an engine or a page has to do with the packages, however they were loaded: open the backends, train, save, load, and write; and
// the short way of the package to start with. Imports nothing of Node, and knows nothing but the packages that it is handed.

/**
 * @typedef {{
 *   wasm: typeof import('../../packages/backend-wasm/src/index'),
 *   data: typeof import('../../packages/data/src/index'),
 *   inference: typeof import('../../packages/inference/src/index'),
 *   kernels: typeof import('../../packages/kernels/src/index'),
 *   model: typeof import('../../packages/model/src/index'),
 *   sympow: typeof import('../../packages/start/src/index'),
 *   training: typeof import('../../packages/training/src/index'),
 *   other: Promise<typeof import('../../packages/kernels/src/index')>,
 * }} Packages `other` is the copy of kernels of the other module system, where an engine has two
 * @typedef {import('../../packages/storage/src/index').Storage} Storage
 * @param {Packages} packages
 * @param {(number: number) => Storage} storageFor where checkpoints go
 * @param {number} most threads that there may be: one where a page is not isolated
 * @returns {Promise<string>} what was seen
 */
export async function contact(packages, storageFor, most = 2) {
  const { data, inference, kernels, model, other, sympow, training } = packages;
  const { wasm } = packages.wasm;
  const { firstAvailable, js } = kernels;
  const { BackendError } = await other;
  const absent = new BackendError({ what: 'the device', value: 'none', expected: 'one' });
  const refusing = { name: 'absent', open: () => Promise.reject(absent) };
  const text = data.textSource('It was the best of times, it was the worst of times. '.repeat(40));
  const config = model.modelConfig({
    ...model.variants.conformal,
    ...{ vocabSize: 256, hiddenSize: 16, layers: 1, heads: 2, headSize: 8 },
  });
  /** @param {boolean} right @param {string} what */
  const holds = (right, what) => {
    if (!right) throw new Error(what);
  };
  /** @type {string[]} */
  const seen = [];
  /** @type {number[] | undefined} */
  let expected;
  const factories = [js(), wasm({ threads: 1 }), wasm({ threads: most }), firstAvailable([refusing, wasm(), js()])];
  for (const [number, factory] of factories.entries()) {
    const backend = await factory.open();
    const { threads } = backend.capabilities;
    const name = `${backend.name} with ${threads} thread${threads === 1 ? '' : 's'}`;
    const original = model.Model.create(backend, config, { seed: 1 });
    const storage = storageFor(number);
    /** @type {number[]} */
    const losses = [];
    const options = { model: original, data: text, batch: 2, context: 32, steps: 20, learningRate: 1e-2 };
    for await (const event of training.train({ ...options, checkpoints: { storage, every: 10 } })) {
      if (event.type === 'step') losses.push(event.loss);
    }
    expected ??= losses;
    const off = Math.max(...losses.map((loss, i) => Math.abs(loss - (expected?.[i] ?? NaN))));
    holds(losses.length === 20 && off < 1e-3, `${name}: losses ${losses.join()}, those of js are ${expected.join()}`);
    holds((losses[19] ?? NaN) < (losses[0] ?? NaN), `${name}: losses ${losses.join()} do not fall`);

    const copy = await model.loadModel(backend, storage);
    /** @param {import('../../packages/model/src/index').Model} writer */
    const write = async (writer) => {
      const tokens = [];
      for await (const { token } of inference.generate(writer, { prompt: [73, 116], maxTokens: 8, temperature: 0 })) {
        tokens.push(token);
      }
      return tokens.join();
    };
    holds((await write(copy)) === (await write(original)), `${name}: the copy from the folder writes another text`);
    await backend.close();
    seen.push(name);
  }
  const threads = `wasm with ${most} thread${most === 1 ? '' : 's'}`;
  holds(seen[2] === threads, `${most} may be, and there were ${seen.join(', ')}`);

  const short = await sympow.fit('It was the best of times. '.repeat(40), { steps: 20, batch: 2, context: 32 });
  holds((await short.generate('It was', { maxTokens: 5 })).length > 0, 'the package to start with writes nothing');
  await short.close();
  return seen.join(', ');
}
