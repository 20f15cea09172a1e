import { add, broadcastRows, linear, logSigmoid, Tape } from '@sympow/autograd';
import { ConfigError, js } from '@sympow/kernels';
import { kinds, matrixSpec, vectorSpec, type AttentionKind, type Gate, type Phases } from '@sympow/recurrence';
import { livelyModel, logitsOf, tokensOf } from '@sympow-tools/tiny';
import { expect, it } from 'vitest';
import { loadModel, readConfig, saveModel } from './checkpoint';
import { configFromJson, configToJson, memoryShape, modelConfig, modelSize, variantOf } from './config';
import { restoreMemory } from './memory';
import { Model } from './model';
import { memoryStorage } from '@sympow/storage';

const backend = await js({ float: 'float64' }).open();
const power = kinds.find(({ name }) => name === 'power')!;
const sizes = { vocabSize: 11, hiddenSize: 8, layers: 2, heads: 2, headSize: 4 };

/** One gate for all heads of a layer, from the layer's input and a constant floor. */
const shared: Gate = {
  name: 'shared',
  says: 'one per token for all heads',
  width: 1,
  parameters: ({ hiddenSize, keyValueHeads: G, initStd }) => ({
    'gate_proj.weight': matrixSpec(G, hiddenSize, { std: initStd }),
    'gate_proj.scale': vectorSpec(G, { value: 3 }),
  }),
  constants: ({ keyValueHeads: G }) => ({ floor: { shape: [G], values: new Float64Array(G).fill(1) } }),
  logGates(tape, h, weight) {
    const [B, T] = h.value.shape as [number, number];
    const G = weight('floor').value.size;
    const scale = broadcastRows(tape, weight('gate_proj.scale'), [B, T, G]);
    const scores = linear(tape, h, weight('gate_proj.weight'), weight('floor'));
    return logSigmoid(tape, add(tape, scores, scale));
  },
};

/** Every pair turns by the same angle. */
const even: Phases = {
  name: 'even',
  says: 'one frequency',
  turns: true,
  parameters: () => ({}),
  constants: ({ keyValueHeads: G, headSize: d }) => ({
    theta: { shape: [G, d / 2], values: new Float64Array((G * d) / 2).fill(0.5) },
  }),
  inputs: (_tape, _h, weight) => ({ theta: weight('theta') }),
};

it('a gate and phases of one’s own make a model, with weights, gradients and a stream like any other', () => {
  const config = modelConfig({ ...sizes, gate: shared, rotary: even });
  expect(variantOf(config)).toBe('custom');
  expect(modelSize(config, { batch: 1, context: 16 }).parameters).toBeGreaterThan(0);
  const model = livelyModel(backend, config);
  expect([...model.parameters.keys()]).toContain('model.layers.1.self_attn.gate_proj.scale');
  const tokens = tokensOf(backend, config, 2, 9);
  const tape = new Tape(backend);
  const loss = model.loss(tape, tokens, tokens);
  tape.backward([[loss, backend.upload(new Float64Array(18).fill(1), [2, 9])]]);
  const gradient = tape.gradient(model.parameters.get('model.layers.0.self_attn.gate_proj.scale')!);
  expect(backend.readSync!(gradient!).some((x) => x !== 0)).toBe(true);

  const whole = logitsOf(model, tokens);
  const memory = model.memory(2);
  const pieces = [4, 5].map((count, i) => {
    const piece = backend.empty([2, count], 'int32');
    backend.kernels.copyBlock({ x: tokens, from: 4 * i, count, y: piece });
    return backend.readSync!(model.forward(new Tape(backend, { record: false }), piece, { memory }).value);
  });
  const V = sizes.vocabSize;
  pieces.forEach((piece, i) => {
    for (let b = 0; b < 2; b++) {
      const from = (b * 9 + 4 * i) * V;
      const rows = piece.length / 2;
      for (let n = 0; n < rows; n++) expect(piece[b * rows + n]).toBeCloseTo(whole[from + n]!, 9);
    }
  });
  model.dispose();
});

it('a checkpoint names them, and loads with them alone', async () => {
  const config = modelConfig({ ...sizes, gate: shared, rotary: even });
  expect(configToJson(config)).toMatchObject({ gate: 'shared', rotary: 'even' });
  const storage = memoryStorage();
  const model = Model.create(backend, config, { seed: 1 });
  await saveModel(storage, model);
  const entries = { gates: [shared], phases: [even] };
  expect(await readConfig(storage, entries)).toEqual(config);
  const copy = await loadModel(backend, storage, { entries });
  const tokens = tokensOf(backend, config, 1, 5);
  expect(logitsOf(copy, tokens)).toEqual(logitsOf(model, tokens));
  await expect(loadModel(backend, storage)).rejects.toThrow(/gate is "shared"\); expected one of none, fixed/);
  expect(() => modelConfig({ ...sizes, gate: 'shared' })).toThrow(ConfigError);
});

it('constants are given back with the model', () => {
  const before = backend.memory().liveBuffers;
  const model = Model.create(backend, modelConfig({ ...sizes, gate: shared, rotary: even }));
  expect(backend.memory().liveBuffers).toBeGreaterThan(before);
  model.dispose();
  expect(backend.memory().liveBuffers).toBe(before);
});

it('layers may attend each in a way of its own, also in one from outside', async () => {
  // Power attention whose scores are of degree 4, whatever the configuration says.
  const fourth: AttentionKind = {
    ...power,
    name: 'fourth',
    says: 'degree 4',
    make: (settings, compute) => power.make({ ...settings, power: 4 }, compute),
  };
  const config = modelConfig({ ...sizes, layers: 3, attention: ['softmax', fourth, 'power'] });
  expect(configToJson(config)).toMatchObject({ attention: ['softmax', 'fourth', 'power'] });
  expect(configFromJson(configToJson(config), { kinds: [fourth] })).toEqual(config);
  expect(() => configFromJson(configToJson(config))).toThrow(/attention of layer 1 is "fourth"/);
  expect(() => modelConfig({ ...sizes, attention: ['power'] })).toThrow(/one for each of the 2 layers/);

  const model = livelyModel(backend, config);
  expect(model.recurrences.map(({ kind }) => kind)).toEqual(['softmax', 'power', 'power']);
  const single = memoryShape(config, 1);
  const { stateBytes } = modelSize(config, { batch: 1, context: 8 });
  expect(stateBytes).toBe(model.recurrences[1]!.memoryBytes(single, 0) + model.recurrences[2]!.memoryBytes(single, 0));
  // A stream in pieces, saved and restored between them, is the whole.
  const tokens = tokensOf(backend, config, 1, 9);
  const whole = logitsOf(model, tokens);
  let memory = model.memory();
  const read = (from: number, count: number) => {
    const piece = backend.empty([1, count], 'int32');
    backend.kernels.copyBlock({ x: tokens, from, count, y: piece });
    return backend.readSync!(model.forward(new Tape(backend, { record: false }), piece, { memory }).value);
  };
  const first = read(0, 4);
  memory = restoreMemory(model, await memory.save());
  const both = [...first, ...read(4, 5)];
  both.forEach((x, i) => expect(x).toBeCloseTo(whole[i]!, 9));
});
