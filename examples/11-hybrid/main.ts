// Layers that look at the last 4 tokens exactly, and layers that remember all of them in a state: together in one model.
import { openBackend } from '@sympow/backends';
import { charTokenizer, tokenSource } from '@sympow/data';
import { generateText, Session } from '@sympow/inference';
import { Model, modelConfig, modelSize } from '@sympow/model';
import { train } from '@sympow/training';

// Each document has, behind its question mark, the letter that it began with: 12 dots before, where two windows of 4 do not reach.
const dots = '.'.repeat(12);
const letters = [...'abcd'];
const texts = letters.map((letter) => `${letter}${dots}?${letter}`);
const tokenizer = charTokenizer(texts.join());
const { vocabSize } = tokenizer;
const documents = Array.from({ length: 100 }, (_, i) => ({ name: `${i}`, tokens: tokenizer.encode(texts[i % 4]!) }));
const data = tokenSource(documents, { vocabSize });

const shape = { vocabSize, hiddenSize: 32, layers: 2, heads: 2, headSize: 16, initStd: 0.15 };
const models = {
  'windows alone': modelConfig({ ...shape, attention: 'window', slidingWindow: 4 }),
  hybrid: modelConfig({ ...shape, attention: ['window', 'power'], slidingWindow: 4 }),
};

const { backend } = await openBackend();
for (const [name, config] of Object.entries(models)) {
  const model = Model.create(backend, config, { seed: 1 });
  for await (const _ of train({ model, data, batch: 8, context: 30, steps: 150, learningRate: 5e-3 }));

  const answers: string[] = [];
  for (const letter of letters) {
    const asked = { prompt: `${letter}${dots}?`, maxTokens: 1, temperature: 0 };
    for await (const { text } of generateText(model, tokenizer, asked)) answers.push(text);
  }
  console.log(`${name}: abcd end as ${answers.join('')}`); // such as hybrid: abcd end as abcd
  console.log(answers.join() === letters.join()); // false, true

  const session = new Session(model);
  const sizes: number[] = [];
  for (let read = 0; read < 4; read++) {
    for await (const _ of generateText(model, tokenizer, { prompt: dots.repeat(20), maxTokens: 0, session }));
    sizes.push(session.bytes);
  }
  console.log(new Set(sizes).size); // 1, 1
  model.dispose();
}

// The memory of a stream after 100,000 tokens, known before anything is allocated, and that of a key/value cache.
const { stateBytes, cacheBytes } = modelSize(models.hybrid, { batch: 1, context: 100_000 });
console.log(stateBytes, cacheBytes); // 37496 52800256
await backend.close();
