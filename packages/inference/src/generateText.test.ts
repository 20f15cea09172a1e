import { js } from '@sympow/kernels';
import { memoryStorage } from '@sympow/model';
import { livelyModel, tinyConfig } from '@sympow-tools/tiny';
import { describe, expect, it } from 'vitest';
import { generateText, type GenerateTextOptions } from './generateText';
import { Session } from './session';
import { loadSession, saveSession } from './sessionFile';
import { endText, type TextTokenizer } from './writing';

/** Tokens are bytes of UTF-8. */
const bytes: TextTokenizer = {
  encode: (text) => Int32Array.from(new TextEncoder().encode(text)),
  decoder() {
    const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
    return { push: (byte) => utf8.decode(Uint8Array.of(byte), { stream: true }), end: () => utf8.decode() };
  },
};

/** Words, the spaces between which stand in no token: the first word of a text has none before it. */
const words: TextTokenizer = {
  encode: (text) => Int32Array.from(text.split(' ').filter(Boolean), (word) => word.charCodeAt(0)),
  decoder() {
    let first = true;
    return {
      push(token) {
        const text = (first ? '' : ' ') + String.fromCharCode(0x21 + (token % 90));
        first = false;
        return text;
      },
      end: () => '',
    };
  },
};

const backend = await js().open();
/** A model of all bytes, of which few make whole characters. */
const model = livelyModel(backend, tinyConfig({ vocabSize: 256, layers: 1 }));

async function write(options: GenerateTextOptions, tokenizer = bytes): Promise<string> {
  let text = '';
  for await (const piece of generateText(model, tokenizer, options)) text += piece.text;
  return text;
}

const restored = async (session: Session) => {
  const storage = memoryStorage();
  await saveSession(storage, 'state', session);
  session.dispose();
  return loadSession(storage, 'state', model);
};

describe.each([0, 1])('text at temperature %d', (temperature) => {
  const options = { prompt: 'It was', temperature, seed: 5 };

  it('that is cut after any token and gone on with is the text that was not cut, with stops and without', async () => {
    const whole = await write({ ...options, maxTokens: 26 });
    const stop = [...whole].slice(7, 10).join('');
    for (const stops of [[], [stop], [`${[...whole].slice(-2).join('')}never`]]) {
      const expected = await write({ ...options, maxTokens: 26, stop: stops });
      expect(expected.length).toBeGreaterThan(stops.includes(stop) ? 0 : 15);
      for (let cut = 0; cut <= 26; cut++) {
        let session = new Session(model);
        const before = await write({ ...options, maxTokens: cut, stop: stops, session });
        session = await restored(session);
        // A text that a stop has ended is not gone on with.
        const ended = stops.includes(stop) && before === expected;
        const after = ended ? '' : await write({ temperature, maxTokens: 26 - cut, stop: stops, session });
        expect(before + after + (ended ? '' : endText(bytes, session)), `cut at ${cut}`).toBe(expected);
        session.dispose();
      }
    }
  });
});

describe('a session', () => {
  it('gives up what is not decided where a prompt follows, and says it first', async () => {
    const session: Session = new Session(model);
    await write({ prompt: 'x', maxTokens: 1, session });
    session.text = { tokens: [0xf0, 0x9f], held: 'st' };
    const next = generateText(model, bytes, { prompt: 'y', maxTokens: 1, stop: ['stop'], session });
    expect((await next.next()).value).toEqual({ text: 'st\uFFFD' });
    await next.return();
    expect(endText(bytes, { ...session, text: { tokens: [0xe6], held: '' } })).toBe('\uFFFD');
  });

  it('may be stopped before the first token, by what it held back', async () => {
    const session: Session = new Session(model);
    await write({ prompt: 'x', maxTokens: 1, session });
    const { position } = session.memory;
    session.text = { tokens: [], held: 'end of' };
    expect(await write({ stop: [' of'], session })).toBe('end');
    expect(session.memory.position).toBe(position);
  });
});

it('tokens end a text as well as texts do', async () => {
  const tokens: number[] = [];
  for await (const { token } of generateText(model, bytes, { prompt: 'a', maxTokens: 9, seed: 1 })) {
    if (token !== undefined) tokens.push(token);
  }
  const some: (number | undefined)[] = [];
  for await (const { token } of generateText(model, bytes, { prompt: 'a', seed: 1, stop: ['\0never', tokens[4]!] })) {
    if (token !== undefined) some.push(token);
  }
  expect(some).toEqual(tokens.slice(0, tokens.indexOf(tokens[4]!)));
});

it('the text after a prompt is spelt as after that prompt', async () => {
  expect(await write({ prompt: 'a b', maxTokens: 2, seed: 1 }, words)).toMatch(/^ . .$/);
  expect(await write({ prompt: [65], maxTokens: 2, seed: 1 }, words)).toMatch(/^. .$/);
});

it('gives its memory back, whether the text ends, is left or fails', async () => {
  const before = backend.memory().liveBuffers;
  await write({ prompt: 'a', maxTokens: 3 });
  for await (const _ of generateText(model, bytes, { prompt: 'a' })) break;
  await expect(write({ prompt: 'a', signal: AbortSignal.abort() })).rejects.toThrow();
  await expect(write({ prompt: '' })).rejects.toThrow('the prompt is empty');
  await expect(write({ prompt: 'a', stop: [''] })).rejects.toThrow('a stop text is empty');
  expect(backend.memory().liveBuffers).toBe(before);
});
