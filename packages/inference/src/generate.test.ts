import { BackendError, ConfigError, js, Random } from '@sympow/kernels';
import { memoryStorage, variants, type Model, type ModelOptions } from '@sympow/model';
import { livelyModel, logitsOf, tinyConfig } from '@sympow-tools/tiny';
import { describe, expect, it } from 'vitest';
import { generate, type GenerateOptions } from './generate';
import { Session } from './session';
import { loadSession, saveSession } from './sessionFile';

const backend = await js().open();
const config = tinyConfig();
const model = livelyModel(backend, config);
const prompt = [1, 2, 3];

async function collect(of: Model, options: GenerateOptions): Promise<number[]> {
  const tokens: number[] = [];
  for await (const { token } of generate(of, options)) tokens.push(token);
  return tokens;
}

/** The most likely next token, by a pass over everything so far. */
function likeliest(of: Model, tokens: readonly number[]): { token: number; logProbability: number } {
  const { vocabSize } = of.config;
  const last = logitsOf(of, backend.upload(Int32Array.from(tokens), [1, tokens.length])).subarray(-vocabSize);
  const token = last.indexOf(Math.max(...last));
  return { token, logProbability: last[token]! - Math.log(last.reduce((sum, x) => sum + Math.exp(x), 0)) };
}

const hybrids: [string, ModelOptions][] = [
  ['a window and power', { attention: ['window', 'power'], slidingWindow: 4 }],
  ['wall and power', { attention: ['wall', 'power'], gate: 'vector' }],
];

describe.each([...Object.entries(variants), ...hybrids])('generating with %s', (_, settings) => {
  const variant = livelyModel(backend, tinyConfig(settings));

  it('at temperature 0 takes the most likely token after all before it', async () => {
    const tokens = [...prompt];
    for await (const { token, logProbability } of generate(variant, { prompt, maxTokens: 12, temperature: 0 })) {
      const expected = likeliest(variant, tokens);
      expect(token).toBe(expected.token);
      expect(logProbability).toBeCloseTo(expected.logProbability, 4);
      tokens.push(token);
    }
    expect(tokens).toHaveLength(15);
  });

  it.each([0, 0.7])(
    'cut after any token and gone on with is what it is uncut, at temperature %d',
    async (temperature) => {
      const options = { prompt, temperature, seed: 3 };
      const whole = await collect(variant, { ...options, maxTokens: 70 });
      for (const cut of [0, 1, 62, 69]) {
        const session = new Session(variant);
        const before = await collect(variant, { ...options, maxTokens: cut, session });
        expect(session.memory.position).toBe(prompt.length + cut - 1);
        const storage = memoryStorage();
        await saveSession(storage, 'state', session);
        for (const from of [session, await loadSession(storage, 'state', variant)]) {
          const after = await collect(variant, { temperature, maxTokens: 70 - cut, session: from });
          expect([...before, ...after], `cut at ${cut}`).toEqual(whole);
          from.dispose();
        }
      }
    },
  );
});

describe('a prompt of 1,500 tokens', () => {
  it('is read in pieces, to the same end', async () => {
    const random = new Random(5, 'prompt');
    const long = Int32Array.from({ length: 1500 }, () => random.integer(config.vocabSize));
    const [first] = await collect(model, { prompt: long, maxTokens: 1, temperature: 0 });
    expect(first).toBe(likeliest(model, [...long]).token);
    const session = new Session(model);
    await collect(model, { prompt: long.subarray(0, 700), maxTokens: 0, session });
    expect(await collect(model, { prompt: long.subarray(700), maxTokens: 1, temperature: 0, session })).toEqual([
      first,
    ]);
  });
});

describe('sampling', () => {
  it('is a function of the seed', async () => {
    const options = { prompt, maxTokens: 40 };
    const [a, b, c] = await Promise.all([1, 1, 2].map((seed) => collect(model, { ...options, seed })));
    expect(a).toEqual(b);
    expect(a).not.toEqual(c);
  });

  it('stops before a stop token, and the memory has then read all tokens yielded', async () => {
    const all = await collect(model, { prompt, maxTokens: 30, seed: 3 });
    const stop = all[10]!;
    const session = new Session(model);
    const some = await collect(model, { prompt, maxTokens: 30, seed: 3, stop: [99, stop], session });
    expect(some).toEqual(all.slice(0, all.indexOf(stop)));
    expect(session.memory.position).toBe(prompt.length + some.length);
    const rest = await collect(model, { maxTokens: 29 - some.length, session });
    expect([...some, stop, ...rest]).toEqual(all);
  });

  it('of no tokens reads all of the prompt but the token to go on from', async () => {
    const session = new Session(model);
    expect(await collect(model, { prompt, maxTokens: 0, session })).toEqual([]);
    expect([session.memory.position, [...session.unread!]]).toEqual([prompt.length - 1, [3]]);
  });

  it('draws from another seed where one is given, and goes on with its own where none is', async () => {
    const follow = async (seed: number | undefined) => {
      const session = new Session(model);
      await collect(model, { prompt, maxTokens: 5, seed: 3, session });
      return collect(model, { maxTokens: 30, seed, session });
    };
    const [own, same, other] = [await follow(undefined), await follow(3), await follow(4)];
    expect(same).toEqual(own);
    expect(other).not.toEqual(own);
  });

  it('stopped anywhere by an abort goes on where it stood, in the prompt too', async () => {
    const random = new Random(5, 'prompt');
    const long = Int32Array.from({ length: 1500 }, () => random.integer(config.vocabSize));
    const whole = await collect(model, { prompt: long, maxTokens: 4, seed: 3 });
    for (const aborts of [1, 2, 3, 5]) {
      // Every look at the signal counts: one per piece of the prompt and one per token.
      let looks = 0;
      const signal = { throwIfAborted: () => expect(++looks).toBeLessThan(aborts) } as unknown as AbortSignal;
      const session = new Session(model);
      const found: number[] = [];
      const run = async () => {
        for await (const { token } of generate(model, { prompt: long, seed: 3, session, signal })) found.push(token);
      };
      await expect(run()).rejects.toThrow();
      found.push(...(await collect(model, { maxTokens: 4 - found.length, session })));
      expect(found, `after ${aborts}`).toEqual(whole);
    }
  });

  it('ends with the reason of an abort', async () => {
    const controller = new AbortController();
    const tokens: number[] = [];
    const reason = new Error('enough');
    const run = async () => {
      for await (const { token } of generate(model, { prompt, signal: controller.signal })) {
        tokens.push(token);
        if (tokens.length === 7) controller.abort(reason);
      }
    };
    await expect(run()).rejects.toBe(reason);
    expect(tokens).toHaveLength(7);
    await expect(collect(model, { prompt, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it('lets an abort by a timer through', async () => {
    await expect(collect(model, { prompt, signal: AbortSignal.timeout(50) })).rejects.toThrow(/timeout/);
  });
});

describe('memory', () => {
  it('does not grow from token 10 to 2,000, and nothing is allocated', async () => {
    const small = livelyModel(backend, tinyConfig({ layers: 1 }));
    const live: number[] = [];
    const allocations: number[] = [];
    for await (const _ of generate(small, { prompt, maxTokens: 2000 })) {
      const report = backend.memory();
      live.push(report.liveBuffers);
      allocations.push(report.allocations);
    }
    expect(new Set(live.slice(10)).size).toBe(1);
    // One window has to fill before it is folded for the first time.
    expect(new Set(allocations.slice(70)).size).toBe(1);
  });

  it('is given back, whether the text ends, is left or fails', async () => {
    const before = backend.memory().liveBuffers;
    await collect(model, { prompt, maxTokens: 5 });
    expect(backend.memory().liveBuffers).toBe(before);
    for await (const _ of generate(model, { prompt })) break;
    expect(backend.memory().liveBuffers).toBe(before);
    await expect(collect(model, { prompt, signal: AbortSignal.abort() })).rejects.toThrow();
    expect(backend.memory().liveBuffers).toBe(before);
  });
});

describe('generate refuses', () => {
  it.each<[string, Partial<GenerateOptions>, RegExp]>([
    [
      'an empty prompt',
      { prompt: [] },
      /^the prompt is empty; expected at least one token\. Begin with a line break\.$/,
    ],
    [
      'a token outside the vocabulary',
      { prompt: [1, 11] },
      /^token 1 of the prompt is 11; expected a whole number from 0 to 10\.$/,
    ],
    ['a token that is no whole number', { prompt: [1.5] }, /^token 0 of the prompt is 1\.5;/],
    ['a seed below 0', { seed: -1 }, /^seed is -1;/],
    ['maxTokens below 0', { maxTokens: -1 }, /^maxTokens is -1;/],
    ['a temperature below 0', { temperature: -1 }, /^temperature is -1;/],
    ['a topP of 0', { topP: 0 }, /^topP is 0;/],
  ])('%s', async (_, options, message) => {
    const run = () => collect(model, { prompt, maxTokens: 1, ...options });
    await expect(run()).rejects.toThrow(ConfigError);
    await expect(run()).rejects.toThrow(message);
  });

  it('a session of which all has been read', async () => {
    const session = new Session(model);
    await collect(model, { prompt, maxTokens: 1, session });
    session.unread = undefined;
    await expect(collect(model, { session })).rejects.toThrow(
      /^the session has no token to go on from; expected at least one token\./,
    );
  });

  it('logits that are not numbers', async () => {
    const broken = livelyModel(backend, config);
    const { value } = broken.parameters.get('model.norm.weight')!;
    backend.write(value, new Float32Array(value.size).fill(NaN));
    await expect(collect(broken, { prompt, maxTokens: 1 })).rejects.toThrow(BackendError);
  });
});
