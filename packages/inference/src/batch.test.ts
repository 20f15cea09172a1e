import { wasm } from '@sympow/backend-wasm';
import { js, Random, type Backend } from '@sympow/kernels';
import { variants, type Model, type ModelOptions } from '@sympow/model';
import { livelyModel, tinyConfig } from '@sympow-tools/tiny';
import { describe, expect, it } from 'vitest';
import { Batch, type BatchOptions, type BatchRow, type JoinOptions } from './batch';
import { generate } from './generate';
import { generateText } from './generateText';
import { Session } from './session';
import type { TextTokenizer } from './writing';

const backend = await js().open();
const prompts = [1, 17, 500, 3000].map((length) => {
  const random = new Random(length, 'prompt');
  return Int32Array.from({ length }, () => random.integer(11));
});
const letters: TextTokenizer = {
  encode: (text) => Int32Array.from(text, (letter) => letter.charCodeAt(0) - 97),
  decoder: () => ({ push: (token) => String.fromCharCode(97 + token), end: () => '' }),
};

type Wanted = Omit<JoinOptions, 'prompt' | 'stop'> & { prompt?: ArrayLike<number>; stop?: readonly number[] };

/** What a session is given alone: tokens with their probabilities. */
async function alone(model: Model, { from, ...options }: Wanted): Promise<[number, number][]> {
  const session = from?.fork() ?? new Session(model);
  const choices: [number, number][] = [];
  for await (const { token, logProbability } of generate(model, { ...options, session })) {
    choices.push([token, logProbability]);
  }
  session.dispose();
  return choices;
}

/** Runs a batch and notes what its rows are given; `onToken` may let rows join and leave. */
async function collect(batch: Batch, onToken?: (row: BatchRow) => unknown) {
  const given = new Map<BatchRow, [number, number][]>();
  for await (const event of batch.run()) {
    if (event.type === 'end') {
      if (event.error) throw event.error as Error;
      continue;
    }
    const { row, token, logProbability } = event;
    given.set(row, [...(given.get(row) ?? []), [token, logProbability]]);
    await onToken?.(row);
  }
  return given;
}

const kinds: [string, ModelOptions][] = [
  ['conformal', { ...variants.conformal, layers: 1 }],
  ['vector gates', { gate: 'vector', rotary: 'none', layers: 1 }],
  ['gated softmax', { ...variants.softmax, gate: 'data', layers: 1 }],
  ['conformal with states of halves', { ...variants.conformal, layers: 1, states: 'float16' }],
  ['softmax with a cache of halves', { ...variants.softmax, layers: 1, states: 'bfloat16' }],
];

describe.each(kinds)('rows of %s', (_, settings) => {
  const model = livelyModel(backend, tinyConfig(settings));

  it('with prompts of 1, 17, 500 and 3,000 tokens are given what they are given alone, to the last bit', async () => {
    const wanted = prompts.map((prompt, i) => ({ prompt, maxTokens: 140 - 20 * i, seed: i, temperature: 0.5 + i / 4 }));
    const batch = new Batch(model);
    const rows = wanted.map((options) => batch.join(options));
    const given = await collect(batch);
    // A row that has ended rests while the others go on, and goes on alone afterwards.
    for (const [i, options] of wanted.entries()) {
      const expected = await alone(model, { ...options, maxTokens: options.maxTokens + 5 });
      const left = await batch.leave(rows[i]!);
      const { temperature } = options;
      const after = await alone(model, { from: left, temperature, maxTokens: 5 });
      expect([...given.get(rows[i]!)!, ...after], `row ${i}`).toEqual(expected);
      left.dispose();
    }
    batch.dispose();
  });

  it('are given the same where others join and leave midway, and go on alone from there', async () => {
    const batch = new Batch(model, { capacity: 3 });
    const [a, b] = [
      batch.join({ prompt: prompts[1]!, seed: 1, maxTokens: 90 }),
      batch.join({ prompt: prompts[2]!, seed: 2 }),
    ];
    let late: BatchRow | undefined;
    let left: Session | undefined;
    const given = await collect(batch, async (row) => {
      if (row === a && row.tokens === 10) batch.join({ prompt: [5], maxTokens: 3 });
      if (row === b && row.tokens === 67) left = await batch.leave(b);
      if (row === a && row.tokens === 70)
        late = batch.join({ prompt: prompts[2]!.subarray(0, 80), seed: 7, maxTokens: 75 });
    });
    expect(given.get(a)).toEqual(await alone(model, { prompt: prompts[1]!, seed: 1, maxTokens: 90 }));
    expect(given.get(late!)).toEqual(
      await alone(model, { prompt: prompts[2]!.subarray(0, 80), seed: 7, maxTokens: 75 }),
    );
    const whole = await alone(model, { prompt: prompts[2]!, seed: 2, maxTokens: 100 });
    const before = given.get(b)!;
    expect(before).toEqual(whole.slice(0, before.length));
    const after = await alone(model, { from: left!, maxTokens: 100 - before.length });
    expect([...before, ...after]).toEqual(whole);
    const bytes = await left!.save();
    const again = await Session.restore(model, bytes);
    expect(await alone(model, { from: again, maxTokens: 100 - before.length })).toEqual(after);
    for (const each of [left!, again, batch]) each.dispose();
  });

  it('that go on from one session share what it has read, and it stays as it was', async () => {
    const shared = new Session(model);
    for await (const choice of generate(model, { prompt: prompts[2]!, maxTokens: 3, session: shared })) void choice;
    const before = await shared.save();
    const batch = new Batch(model);
    const wanted = [[1, 2], [3], [], [4, 5, 6], [7]].map((prompt, seed) => ({
      from: shared,
      prompt,
      seed,
      maxTokens: 70,
    }));
    const rows = wanted.map((options) => batch.join(options));
    expect(batch.capacity).toBe(8);
    const given = await collect(batch);
    for (const [i, options] of wanted.entries()) expect(given.get(rows[i]!)).toEqual(await alone(model, options));
    expect(await shared.save()).toEqual(before);
    for (const each of [shared, batch]) each.dispose();
  });
});

it('on wasm rows are given what they are given alone, but for rounding', async () => {
  const fast = await wasm({ threads: 1 }).open();
  const model = livelyModel(fast, tinyConfig(variants.conformal));
  const batch = new Batch(model);
  const wanted = prompts.map((prompt) => ({ prompt, maxTokens: 70, temperature: 0 }));
  const rows = wanted.map((options) => batch.join(options));
  const given = await collect(batch);
  for (const [i, options] of wanted.entries()) {
    const expected = await alone(model, options);
    const found = given.get(rows[i]!)!;
    expect(found.map(([token]) => token)).toEqual(expected.map(([token]) => token));
    for (const [t, [, logProbability]] of expected.entries()) expect(found[t]![1]).toBeCloseTo(logProbability, 4);
  }
  await fast.close();
});

describe('a batch', () => {
  const model = livelyModel(backend, tinyConfig({ ...variants.conformal, layers: 1 }));
  const live = (of: Backend = backend) => of.memory().liveBuffers;

  it('allocates nothing per token once it is warm, whoever rests', async () => {
    const batch = new Batch(model, { capacity: 3 });
    const rows = [[1], [2, 3]].map((prompt) => batch.join({ prompt }));
    const seen: { live: number; allocations: number }[] = [];
    await collect(batch, async (row) => {
      const { liveBuffers, allocations } = backend.memory();
      seen.push({ live: liveBuffers, allocations });
      if (row.tokens === 300) (await batch.leave(row)).dispose();
    });
    expect(rows.map(({ tokens }) => tokens)).toEqual([300, 300]);
    expect(new Set(seen.slice(200).map((each) => each.live)).size).toBe(1);
    expect(new Set(seen.slice(200).map((each) => each.allocations)).size).toBe(1);
    batch.dispose();
  });

  it('leaves no buffer behind, whatever its rows were at', async () => {
    const before = live();
    const batch = new Batch(model);
    batch.join({ prompt: prompts[2]! });
    batch.join({ prompt: [1] });
    for await (const event of batch.run()) if (event.row.tokens === 3) break;
    batch.join({ prompt: prompts[2]! });
    batch.dispose();
    expect(live()).toBe(before);
  });

  it('yields every token that was chosen, also after a break', async () => {
    const batch = new Batch(model);
    const rows = [1, 2, 3].map((token) => batch.join({ prompt: [token], maxTokens: 6 }));
    const counts = new Map(rows.map((row) => [row, 0]));
    for (let broken = false; !broken || rows.some(({ ended }) => !ended); broken = true) {
      for await (const event of batch.run()) {
        if (event.type === 'token') counts.set(event.row, counts.get(event.row)! + 1);
        if (!broken) break;
      }
    }
    expect([...counts.values()]).toEqual([6, 6, 6]);
    batch.dispose();
  });

  it('says why a row has ended', async () => {
    const batch = new Batch(model);
    const controller = new AbortController();
    const first = (await alone(model, { prompt: [1], maxTokens: 9, temperature: 0 })).map(([token]) => token);
    const stop = first.find((token, i) => i > 2 && first.indexOf(token) === i) ?? first[3]!;
    const rows = [
      batch.join({ prompt: [1], maxTokens: 2 }),
      batch.join({ prompt: [1], maxTokens: 0 }),
      batch.join({ prompt: [1], temperature: 0, stop: [stop] }),
      batch.join({ prompt: [1], signal: controller.signal }),
    ];
    for await (const event of batch.run()) if (event.row === rows[3] && rows[3].tokens === 5) controller.abort();
    expect(rows.map(({ ended, tokens }) => [ended, tokens])).toEqual([
      ['maxTokens', 2],
      ['maxTokens', 0],
      ['stop', first.indexOf(stop)],
      ['aborted', 5],
    ]);
    const session = await batch.leave(rows[3]!);
    expect(await alone(model, { from: session, maxTokens: 5 })).toEqual(
      (await alone(model, { prompt: [1], maxTokens: 10 })).slice(5),
    );
    for (const each of [session, batch]) each.dispose();
  });

  it('ends a row whose logits are not numbers, and no other', async () => {
    const broken = livelyModel(backend, tinyConfig({ tieEmbeddings: false, embeddingNorm: false, layers: 1 }));
    const { value } = broken.parameters.get('model.embed_tokens.weight')!;
    const weights = Float32Array.from(await value.read());
    backend.write(value, weights.fill(NaN, 0, broken.config.hiddenSize));
    const batch = new Batch(broken);
    const [bad, good] = [batch.join({ prompt: [0] }), batch.join({ prompt: [1], maxTokens: 1 })];
    const errors: unknown[] = [];
    for await (const event of batch.run()) if (event.type === 'end' && event.error) errors.push(event.error);
    expect([bad.ended, good.ended]).toEqual(['failed', 'maxTokens']);
    expect(String(errors)).toMatch(/a logit is NaN/);
    batch.dispose();
  });

  it('writes text as it is written alone, with stops of its own', async () => {
    const batch = new Batch(model, { tokenizer: letters });
    const wanted = ['abc', 'k', 'deadbeef'].map((prompt, seed) => ({
      prompt,
      seed,
      maxTokens: 80,
      stop: ['ab', 'cad', 2],
    }));
    const rows = wanted.map((options) => batch.join(options));
    const texts = new Map<BatchRow, string>(rows.map((row) => [row, '']));
    for await (const { row, text } of batch.run()) texts.set(row, texts.get(row)! + text);
    for (const [i, options] of wanted.entries()) {
      const session = new Session(model);
      let expected = '';
      for await (const { text } of generateText(model, letters, { ...options, session })) expected += text;
      expect(texts.get(rows[i]!)).toBe(expected);
      const left = await batch.leave(rows[i]!);
      expect([left.text, left.position]).toEqual([session.text, session.position]);
      for (const each of [left, session]) each.dispose();
    }
    batch.dispose();
  });

  it.each<[string, BatchOptions, JoinOptions, RegExp]>([
    ['a capacity of 0', { capacity: 0 }, {}, /^capacity is 0;/],
    ['no prompt', {}, {}, /^the prompt is empty;/],
    ['a token that there is not', {}, { prompt: [11] }, /^token 0 of the prompt is 11;/],
    ['text without a tokenizer', {}, { prompt: 'a' }, /^text without a tokenizer is "a";/],
    [
      'a stop that is text without a tokenizer',
      {},
      { prompt: [1], stop: [1, 'a'] },
      /^text without a tokenizer is "a";/,
    ],
    ['an empty stop text', { tokenizer: letters }, { prompt: 'a', stop: [''] }, /^a stop text is empty;/],
    ['an option that there is not', {}, { prompt: [1], topQ: 1 } as JoinOptions, /topQ/],
  ])('refuses %s, and nothing stays allocated', (_, options, joining, message) => {
    const before = live();
    const run = () => {
      const batch = new Batch(model, options);
      try {
        batch.join(joining);
      } finally {
        batch.dispose();
      }
    };
    expect(run).toThrow(message);
    expect(live()).toBe(before);
  });

  it('refuses more rows than its capacity, a session of another model, and rows that have left', async () => {
    const batch = new Batch(model, { capacity: 2 });
    const row = batch.join({ prompt: [1] });
    const other = new Session(livelyModel(backend, tinyConfig({ ...variants.softmax, layers: 1 })));
    const before = live();
    expect(() => batch.join({ from: other, prompt: [1] })).toThrow(/memory to copy from/);
    expect(live()).toBe(before);
    batch.join({ prompt: [1] });
    expect(() => batch.join({ prompt: [1] })).toThrow(/^all 2 rows of the batch are taken;/);
    (await batch.leave(row)).dispose();
    await expect(batch.leave(row)).rejects.toThrow(/^the row has left;/);
    batch.join({ prompt: [1] });
    batch.dispose();
  });
});
