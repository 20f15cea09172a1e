// How well models predict by how much they have read: two that were trained on contexts of 64 tokens read on to 1,024.
import { openBackend } from '@sympow/backends';
import { charTokenizer, evaluationStreams, heldOut, textSource } from '@sympow/data';
import { lossByPosition, lossSeries, terminalChart } from '@sympow/evaluation';
import { Random } from '@sympow/kernels';
import { Model, modelConfig, variants } from '@sympow/model';
import { train } from '@sympow/training';

// A text of sentences that are drawn at random. Yours may be files: textFiles(['books']).
const random = new Random(1, 'sentences');
const any = (words: string): string => words.split(' ')[random.integer(words.split(' ').length)]!;
const sentence = (): string =>
  `The ${any('cat dog owl fox')} ${any('sees hears likes')} a ${any('red blue small')} ${any('bird fish boat')}. `;
const text = Array.from({ length: 1500 }, sentence).join('');

const context = 64;
const { train: data, heldOut: rest } = heldOut(textSource(text, { tokenizer: charTokenizer(text) }));
const { backend } = await openBackend();

const evaluations = [];
for (const variant of ['conformal', 'sympow'] as const) {
  const shape = { vocabSize: data.vocabSize, hiddenSize: 32, layers: 2, heads: 2, headSize: 16, initStd: 0.15 };
  const model = Model.create(backend, modelConfig({ ...shape, ...variants[variant] }), { seed: 1 });
  for await (const event of train({ model, data, batch: 8, context, steps: 100, learningRate: 1e-2 })) {
    if (event.type === 'end') console.log(`${variant}: ${event.loss?.toFixed(2)} nats after training`); // such as 0.52
  }
  const streams = evaluationStreams(rest, { length: 1024, batch: 4 });
  for await (const event of lossByPosition(model, streams, { edges: [context] })) {
    if (event.type === 'result') evaluations.push({ name: variant, loss: event.result });
  }
  model.dispose();
}

const rule = { x: context, label: `trained to ${context}` };
console.log(terminalChart(evaluations.map(lossSeries), { rule, title: 'Nats by position' })); // such as a chart
const last = evaluations.map(({ loss }) => loss.bins.at(-1)!);
console.log(last.map(({ from, to }) => `${from} to ${to}`)); // ['512 to 1024', '512 to 1024']
console.log(last[0]!.nats < last[1]!.nats); // true
await backend.close();
