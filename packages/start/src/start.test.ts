import { memoryStorage } from '@sympow/storage';
import { ConfigError } from '@sympow/core';
import { textSource, tokenSource } from '@sympow/data';
import { js } from '@sympow/kernels';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { byteTokenizer, fit, load, TextModel, type StepEvent } from '.';

const line = 'the quick brown fox jumps over the lazy dog. ';
const verse = line.repeat(30);
const tiny = { model: { hiddenSize: 32, headSize: 16, layers: 1 }, context: 32, batch: 4, backend: 'js' } as const;
const folder = mkdtempSync(join(tmpdir(), 'sympow-start-'));
afterAll(() => rmSync(folder, { recursive: true }));
const greedy = { maxTokens: 24, temperature: 0 };

describe('fit', () => {
  it('learns a text, says how it goes, writes, saves, and is loaded as it was', async () => {
    const events: StepEvent[] = [];
    const model = await fit(verse, { ...tiny, steps: 80, learningRate: 1e-2, onStep: (event) => events.push(event) });
    expect(events.map(({ step }) => step)).toEqual(Array.from({ length: 80 }, (_, i) => i + 1));
    expect(events.at(-1).loss).toBeLessThan(events[0]!.loss / 4);
    expect(model.tokenizer.name).toBe('chars');
    const written = await model.generate('the quick', greedy);
    expect(written).toBe(line.slice(9, 33));
    let streamed = '';
    for await (const piece of model.stream('the quick', greedy)) streamed += piece;
    expect(streamed).toBe(written);

    await model.save(join(folder, 'verse'));
    const copy = await load(join(folder, 'verse'), { backend: 'js' });
    expect(await copy.generate('the quick', greedy)).toBe(written);
    expect(copy.tokenizer.name).toBe('chars');
    await Promise.all([model.close(), copy.close()]);
  });

  it('goes on where a run was stopped, and ends as one that was not', async () => {
    const whole = await fit(verse, { ...tiny, steps: 12 });
    const storage = memoryStorage();
    const stop = new AbortController();
    const onStep = ({ step }: StepEvent) => step === 5 && stop.abort();
    const first = await fit(verse, { ...tiny, steps: 12, folder: storage, signal: stop.signal, onStep });
    const steps: number[] = [];
    const rest = await fit(verse, { ...tiny, steps: 12, folder: storage, onStep: ({ step }) => steps.push(step) });
    expect(steps[0]).toBe(6);
    expect(await rest.generate('to', greedy)).toBe(await whole.generate('to', greedy));
    expect(await (await load(storage, { backend: 'js' })).generate('to', greedy)).toBe(
      await whole.generate('to', greedy),
    );
    await Promise.all([whole.close(), first.close(), rest.close()]);
  });

  it('takes bytes for a text of many characters, and the tokenizer of a source', async () => {
    const many = String.fromCodePoint(...Array.from({ length: 400 }, (_, i) => 0x4e00 + i));
    const own = await fit(many, { ...tiny, steps: 1 });
    expect(own.tokenizer.name).toBe('bytes');
    const source = await fit(textSource(verse, { tokenizer: byteTokenizer() }), { ...tiny, steps: 1 });
    expect(source.tokenizer.name).toBe('bytes');
    await Promise.all([own.close(), source.close()]);
  });

  it('leaves a backend open that was handed in, and none of its tensors behind', async () => {
    const backend = await js().open();
    const before = backend.memory().liveBuffers;
    const model = await fit(verse, { ...tiny, steps: 1, backend });
    await model.close();
    expect(backend.memory().liveBuffers).toBe(before);
    await expect(fit(verse, { ...tiny, steps: 0, backend })).rejects.toThrow(ConfigError);
    expect(backend.memory().liveBuffers).toBe(before);
    await backend.close();
  });

  it('names what is missing', async () => {
    const nameless = tokenSource([{ name: 'a', tokens: Int32Array.of(1, 2, 3) }], { vocabSize: 4 });
    await expect(fit(nameless, tiny)).rejects.toThrow(/tokenizer is undefined; expected that of the source/);
    await expect(fit('', tiny)).rejects.toThrow(/at least one character/);
    await expect(fit(verse, { ...tiny, backend: 'abacus' })).rejects.toThrow(/abacus/);
    await expect(load(join(folder, 'nothing'), { backend: 'js' })).rejects.toThrow(/nothing/);
  });

  it('aborts a text that is written', async () => {
    const model = await fit(verse, { ...tiny, steps: 1 });
    const stop = AbortSignal.abort(new Error('enough'));
    await expect(model.generate('to', { signal: stop })).rejects.toThrow('enough');
    expect(model).toBeInstanceOf(TextModel);
    await model.close();
  });
});
