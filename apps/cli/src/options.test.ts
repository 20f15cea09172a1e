// What the packages are given as options: a typo is named by each, and what is mistaken for something else as well.

import { gpujs } from '@sympow/backend-gpujs';
import { wasm } from '@sympow/backend-wasm';
import { webgpu } from '@sympow/backend-webgpu';
import { evaluationStreams, openDataset, textSource, tokenSource, trainingBatches } from '@sympow/data';
import { lossByPosition } from '@sympow/evaluation';
import { ConfigError, js, type Backend } from '@sympow/kernels';
import { generate } from '@sympow/inference';
import { Model, modelConfig, type ModelConfig } from '@sympow/model';
import { train } from '@sympow/training';
import { describe, expect, it } from 'vitest';

const config = modelConfig({ vocabSize: 256, hiddenSize: 8, layers: 1, heads: 1, headSize: 8 });
const backend = await js().open();
const model = Model.create(backend, config);
const data = textSource('to be or not to be '.repeat(20));
const run = { model, data, batch: 1, context: 4, steps: 1 };
const streams = { count: 1, length: 1 } as never;
/** Options as JavaScript hands them over. */
const typo = (options: object) => options as never;

describe('a typo in options', () => {
  it.each([
    ['js has no option "floats"; expected one of float.', () => js(typo({ floats: 1 }))],
    ['wasm has no option "thread"; expected one of threads, relaxed', () => wasm(typo({ thread: 1 }))],
    ['webgpu has no option "device0"; expected one of gpu, device', () => webgpu(typo({ device0: 1 }))],
    ['gpujs has no option "modes"; expected one of mode.', () => gpujs(typo({ modes: 1 }))],
    ['train has no option "lr"; expected one of model, data', () => train(typo({ ...run, lr: 1 }))],
    [
      'evaluation of train has no option "row"; expected one of data, every, rows',
      () => train(typo({ ...run, evaluation: { data, row: 1 } })),
    ],
    [
      'checkpoints of train has no option "keeps"; expected one of storage, every, keep',
      () => train(typo({ ...run, checkpoints: { storage: {}, keeps: 1 } })),
    ],
    ['generate has no option "top_k"; expected one of prompt', () => generate(model, typo({ top_k: 1 })).next()],
    [
      'lossByPosition has no option "pieces"; expected one of piece',
      () => lossByPosition(model, streams, typo({ pieces: 1 })),
    ],
    [
      'openDataset has no option "tokeniser"; expected one of tokenizer',
      () => openDataset('x', typo({ tokeniser: 1 })),
    ],
    ['trainingBatches has no option "rows"; expected one of batch', () => trainingBatches(data, typo({ rows: 1 }))],
    ['evaluationStreams has no option "max"; expected one of length', () => evaluationStreams(data, typo({ max: 1 }))],
    ['a setting is "heds"; expected one of', () => modelConfig(typo({ heds: 1 }))],
  ])('%s', async (message, call) => {
    const error = await Promise.resolve()
      .then(call as () => unknown)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as Error).message).toContain(message);
  });
});

describe('one thing in the place of another', () => {
  it.each([
    [
      'hiddenSize of the configuration is undefined; .* modelConfig',
      () => Model.create(backend, { vocabSize: 256 } as ModelConfig),
    ],
    [
      'gate of the configuration is "data"; .* modelConfig',
      () => Model.create(backend, typo({ ...config, gate: 'data' })),
    ],
    [
      'the backend js is not open; expected an open backend. Write await',
      () => Model.create(js() as unknown as Backend, config),
    ],
    [
      'the backend is an instance of Promise; expected an open',
      () => Model.create(js().open() as unknown as Backend, config),
    ],
    [
      'a document is Int32Array\\(1\\); expected a name and a typed array',
      () => tokenSource(typo([Int32Array.of(1)]), { vocabSize: 4 }),
    ],
    [
      'a document is an object with keys \\[name\\]; expected a name and',
      () => tokenSource(typo([{ name: 'a' }]), { vocabSize: 4 }),
    ],
  ])('%s', (message, call) => expect(call).toThrow(new RegExp(message)));
});
