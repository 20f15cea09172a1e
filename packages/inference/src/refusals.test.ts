// What is refused leaves nothing behind, also outside any scope.

import { leftBehind } from '@sympow/conformance';
import { js } from '@sympow/kernels';
import { memoryStorage, variants } from '@sympow/model';
import { livelyModel, tinyConfig } from '@sympow-tools/tiny';
import { describe, expect, it } from 'vitest';
import { Batch } from './batch';
import { generate } from './generate';
import { generateText } from './generateText';
import { Session } from './session';
import { loadSession, saveSession } from './sessionFile';
import type { TextTokenizer } from './writing';

const backend = await js().open();
const letters: TextTokenizer = {
  encode: (text) => Int32Array.from(text, (letter) => letter.charCodeAt(0) - 97),
  decoder: () => ({ push: (token) => String.fromCharCode(97 + token), end: () => '' }),
};

describe.each(Object.entries(variants))('%s', async (_, settings) => {
  const model = livelyModel(backend, tinyConfig({ ...settings, layers: 1 }));
  const storage = memoryStorage();
  const session = new Session(model);
  for await (const token of generate(model, { prompt: [1, 2], maxTokens: 3, session })) void token;
  await saveSession(storage, 'state', session);

  const calls: Record<string, () => unknown> = {
    generate: async () => {
      for await (const token of generate(model, { prompt: [1, 2, 3], maxTokens: 2 })) void token;
    },
    generateText: async () => {
      for await (const piece of generateText(model, letters, { prompt: 'abc', maxTokens: 2 })) void piece;
    },
    Session: () => new Session(model),
    saveSession: () => saveSession(memoryStorage(), 'state', session),
    fork: () => session.fork(),
    Batch: () => new Batch(model),
    'a batch at work': async () => {
      const batch = new Batch(model, { capacity: 1 });
      try {
        const row = batch.join({ from: session, prompt: [4, 5], maxTokens: 2 });
        for await (const event of batch.run()) if (event.type === 'end' && event.error) throw event.error as Error;
        (await batch.leave(row)).dispose();
      } finally {
        batch.dispose();
      }
    },
    'a batch that grows': () => {
      const batch = new Batch(model);
      try {
        for (let row = 0; row < 5; row++) batch.join({ prompt: [row] });
      } finally {
        batch.dispose();
      }
    },
    loadSession: () => loadSession(storage, 'state', model),
  };
  it.each(Object.entries(calls))('%s leaves nothing behind where the backend refuses', async (_, call) => {
    expect(await leftBehind(backend, call)).toEqual([]);
  });
});
