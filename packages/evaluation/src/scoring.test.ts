import { Tape } from '@sympow/autograd';
import { byteTokenizer, gpt2Tokenizer } from '@sympow/data';
import { ConfigError, js, type Backend } from '@sympow/kernels';
import { Model, modelConfig, variants, type ModelOptions } from '@sympow/model';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Loglikelihood, ScoringOptions } from './api';
import { generateUntil } from './generateUntil';
import { loglikelihood, loglikelihoodRolling } from './loglikelihood';

const shape = { vocabSize: 256, hiddenSize: 16, layers: 2, heads: 2, headSize: 4, rotaryHorizon: 128 };
const tokenizer = byteTokenizer();
let backend: Backend;
let model: Model;

/** A model that says something. */
function lively(settings: ModelOptions): Model {
  const made = Model.create(backend, modelConfig({ ...shape, betaInit: 'normal', ...settings }), { seed: 7 });
  for (const [name, { value }] of made.parameters) {
    if (!name.includes('norm') && !name.endsWith('bias'))
      backend.kernels.add({ a: value, b: value, scale: 9, y: value });
  }
  return made;
}

beforeEach(async () => {
  backend = await js({ float: 'float64' }).open();
  model = lively(variants.conformal);
});
afterEach(() => backend.close());

/** Logarithms of all probabilities after each token of a text, from one pass over the whole of it. */
async function reference(of: Model, text: string | Int32Array): Promise<Float64Array[]> {
  const tokens = typeof text === 'string' ? tokenizer.encode(text) : text;
  const V = of.config.vocabSize;
  const logits = backend.scope((keep) =>
    keep(of.forward(new Tape(backend, { record: false }), backend.upload(tokens, [1, tokens.length])).value),
  );
  const numbers = Float64Array.from(await logits.read());
  logits.dispose();
  return Array.from(tokens, (_, t) => {
    const row = numbers.slice(V * t, V * (t + 1));
    const sum = Math.log(row.reduce((total, x) => total + Math.exp(x), 0));
    return row.map((x) => x - sum);
  });
}

async function all<X>(values: AsyncIterable<X>): Promise<X[]> {
  const found: X[] = [];
  for await (const value of values) found.push(value);
  return found;
}

const requests = [
  { context: 'Mary had a little', continuation: ' lamb' },
  { context: 'Mary had a little ', continuation: 'wolf, whose fleece was rather long, and dark, and full of burrs' },
  { context: '', continuation: 'x' },
  { context: 'Whoever reads this far', continuation: '.' },
];

describe('loglikelihood', () => {
  it.each(Object.entries(variants))('is that of one pass over both texts: %s', async (_, settings) => {
    const other = lively(settings);
    const expected: Loglikelihood[] = [];
    for (const { context, continuation } of requests) {
      const [head, tail] = [tokenizer.encode(context.trimEnd() || '\n'), tokenizer.encode(continuation)];
      const text = (context || '\n') + continuation;
      const logs = await reference(other, text);
      const tokens = tokenizer.encode(text).slice(head.length);
      expect([...tokens].slice(-tail.length)).toEqual([...tail]);
      const rows = logs.slice(head.length - 1, -1);
      expected.push({
        logProbability: rows.reduce((sum, row, i) => sum + row[tokens[i]!]!, 0),
        greedy: rows.every((row, i) => Math.max(...row) === row[tokens[i]!]),
        tokens: tokens.length,
        scored: tokenizer.decode(tokens),
      });
    }
    for (const options of [{}, { batch: 1 }, { batch: 3, piece: 5 }, { piece: 1 }] satisfies ScoringOptions[]) {
      const found = await all(loglikelihood(other, tokenizer, requests, options));
      for (const [i, { logProbability, ...rest }] of found.entries()) {
        expect(Math.abs(logProbability - expected[i]!.logProbability)).toBeLessThan(1e-6);
        const { greedy, tokens, scored } = expected[i]!;
        expect(rest).toEqual({ greedy, tokens, scored });
      }
      expect(found).toHaveLength(requests.length);
    }
  });

  it.each<[string, string, string, number, string]>([
    ['merges into one token', 'th', 'e', 0, 'the'],
    ['begins within a word', 'hel', 'lo world', 0, 'hello world'],
    ['merges after words in common', 'It was the wor', 'st of times', 3, ' worst of times'],
    ['stands apart', 'It was the', ' worst', 3, ' worst'],
    ['takes the spaces before it', 'It was the ', 'worst', 3, ' worst'],
    ['follows nothing', '', 'the', 0, 'the'],
  ])('of a continuation that %s has every token of the text once', async (_, context, continuation, common, scored) => {
    const words = await gpt2Tokenizer();
    const large = Model.create(backend, modelConfig({ ...shape, vocabSize: words.vocabSize, hiddenSize: 8 }));
    const whole = words.encode(context + continuation);
    const before = common === 0 ? [words.endOfText!] : [];
    const logs = await reference(large, Int32Array.of(...before, ...whole));
    const rows = logs.slice(before.length + common - 1);
    const expected = whole.subarray(common).reduce((sum, token, i) => sum + rows[i]![token]!, 0);
    const [found] = await all(loglikelihood(large, words, [{ context, continuation }]));
    expect(found!.logProbability).toBeCloseTo(expected, 6);
    expect([found!.tokens, found!.scored]).toEqual([whole.length - common, scored]);
  });

  it('knows what the model itself would write', async () => {
    const ascii = lively({ ...variants.conformal, vocabSize: 128 });
    const [written] = await all(generateUntil(ascii, tokenizer, [{ context: 'It was', maxTokens: 3 }]));
    const other = written!.slice(0, 2) + String.fromCharCode((written!.charCodeAt(2) + 1) % 128);
    const choices = [written!, other].map((continuation) => ({ context: 'It was', continuation }));
    expect((await all(loglikelihood(ascii, tokenizer, choices))).map(({ greedy }) => greedy)).toEqual([true, false]);
  });

  it('refuses what cannot be scored, and gives its memory back', async () => {
    const before = backend.memory().liveBuffers;
    await expect(all(loglikelihood(model, tokenizer, [{ context: 'a', continuation: '' }]))).rejects.toThrow(
      ConfigError,
    );
    await expect(all(loglikelihood(model, tokenizer, requests, { prefix: [] }))).rejects.toThrow('prefix is empty');
    await expect(all(loglikelihood(model, tokenizer, requests, { batch: 0 }))).rejects.toThrow(ConfigError);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(all(loglikelihood(model, tokenizer, requests, { signal }))).rejects.toThrow('enough');
    expect(backend.memory().liveBuffers).toBe(before);
  });
});

describe('rolling loglikelihood', () => {
  it('has every token after all before it, whatever the pieces', async () => {
    const texts = ['It was the best of times, it was the wörst of times.', 'x', ''];
    const expected = await Promise.all(
      texts.map(async (text) => {
        const logs = await reference(model, `\n${text}`);
        const tokens = tokenizer.encode(text);
        return tokens.reduce((sum, token, i) => sum + logs[i]![token]!, 0);
      }),
    );
    for (const options of [{}, { piece: 7, batch: 2 }] satisfies ScoringOptions[]) {
      const found = await all(loglikelihoodRolling(model, tokenizer, texts, options));
      expect(found.map(({ tokens, bytes }) => [tokens, bytes])).toEqual([
        [53, 53],
        [1, 1],
        [0, 0],
      ]);
      for (const [i, { logProbability }] of found.entries()) expect(logProbability).toBeCloseTo(expected[i]!, 6);
    }
  });
});

describe('generating until', () => {
  it('ends before the first of the texts, wherever tokens end', async () => {
    const [whole] = await all(generateUntil(model, tokenizer, [{ context: 'It', maxTokens: 24 }]));
    expect(whole!.length).toBeGreaterThan(8);
    const end = whole!.slice(5, 8);
    const until = ['', 'never written', whole!.slice(6, 9), end];
    const [cut] = await all(generateUntil(model, tokenizer, [{ context: 'It', until, maxTokens: 24 }]));
    expect(cut).toBe(whole!.slice(0, whole!.indexOf(end)));
  });

  it('goes on from a prefix where there is no context, ends with tokens too, and may draw', async () => {
    const first = [{ context: '', maxTokens: 4 }];
    const [text] = await all(generateUntil(model, tokenizer, first));
    expect(await all(generateUntil(model, tokenizer, first, { prefix: [10] }))).toEqual([text]);
    const stop = Array.from({ length: 256 }, (_, id) => id);
    expect(await all(generateUntil(model, tokenizer, [...first, ...first], { stop }))).toEqual(['', '']);
    const drawn = await Promise.all(
      [1, 1, 2].map((seed) => all(generateUntil(model, tokenizer, first, { seed, temperature: 1 }))),
    );
    expect(drawn[0]).toEqual(drawn[1]);
    await expect(all(generateUntil(model, tokenizer, [{ context: '', maxTokens: -1 }]))).rejects.toThrow(ConfigError);
  });
});
