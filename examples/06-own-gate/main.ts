// A model with a gate that no package knows: trained, saved, loaded, and writing.
import { linear, logSigmoid } from '@sympow/autograd';
import { byteTokenizer, textSource } from '@sympow/data';
import { generateText } from '@sympow/inference';
import { js } from '@sympow/kernels';
import { loadModel, memoryStorage, Model, modelConfig, saveModel } from '@sympow/model';
import { gateBias, matrixSpec, vectorSpec, type Gate } from '@sympow/recurrence';
import { train } from '@sympow/training';

/** As the gates of a package, but through two numbers that all heads share: fewer weights where heads are many. */
const narrow: Gate = {
  name: 'narrow',
  says: 'one per token and head, from two numbers of the layer’s input',
  width: 1,
  parameters: ({ keyValueHeads: G, hiddenSize, initStd: std }) => ({
    'gate_down.weight': matrixSpec(2, hiddenSize, { std }),
    'gate_up.weight': matrixSpec(G, 2, { std }),
    'gate_up.bias': vectorSpec(G, { value: gateBias }),
  }),
  logGates(tape, h, weight) {
    const shared = linear(tape, h, weight('gate_down.weight')); // [B, T, 2]
    return logSigmoid(tape, linear(tape, shared, weight('gate_up.weight'), weight('gate_up.bias'))); // [B, T, G]
  },
};

const backend = await js().open();
const shape = { vocabSize: 256, hiddenSize: 32, layers: 2, heads: 4, headSize: 8, initStd: 0.15 };
const model = Model.create(backend, modelConfig({ ...shape, gate: narrow }), { seed: 1 });
const data = textSource('to be or not to be, that is the question. '.repeat(40));

const losses: number[] = [];
for await (const event of train({ model, data, batch: 4, context: 48, steps: 60, learningRate: 1e-2 })) {
  if (event.type === 'step') losses.push(event.loss);
}
console.log(`loss from ${losses[0]?.toFixed(2)} to ${losses.at(-1)?.toFixed(2)} nats`); // such as from 6.58 to 0.14

// The checkpoint names the gate, so whoever loads it hands the gate in.
const folder = memoryStorage(); // or folderStorage('narrow')
await saveModel(folder, model);
const copy = await loadModel(backend, folder, { entries: { gates: [narrow] } });
console.log(copy.config.gate.name); // 'narrow'

let text = '';
const answer = { prompt: 'to be or', maxTokens: 21, temperature: 0 };
for await (const piece of generateText(copy, byteTokenizer(), answer)) text += piece.text;
console.log(text); // ' not to be, that is t'
await backend.close();
