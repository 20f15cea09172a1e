// What is refused leaves nothing behind, also outside any scope.

import { leftBehind } from '@sympow/conformance';
import { js } from '@sympow/kernels';
import { memoryStorage, variants } from '@sympow/model';
import { describe, expect, it } from 'vitest';
import { generate } from './generate';
import { generateText, type TextTokenizer } from './generateText';
import { beginSession } from './session';
import { loadSession, saveSession } from './sessionFile';
import { livelyModel, tinyConfig } from './tinyModel';

const backend = await js().open();
const letters: TextTokenizer = {
  encode: (text) => Int32Array.from(text, (letter) => letter.charCodeAt(0) - 97),
  decoder: () => ({ push: (token) => String.fromCharCode(97 + token), end: () => '' }),
};

describe.each(Object.entries(variants))('%s', async (_, settings) => {
  const model = livelyModel(backend, tinyConfig({ ...settings, layers: 1 }));
  const storage = memoryStorage();
  const session = beginSession(model);
  for await (const token of generate(model, { prompt: [1, 2], maxTokens: 3, session })) void token;
  await saveSession(storage, 'state', model, session);

  const calls: Record<string, () => unknown> = {
    generate: async () => {
      for await (const token of generate(model, { prompt: [1, 2, 3], maxTokens: 2 })) void token;
    },
    generateText: async () => {
      for await (const piece of generateText(model, letters, { prompt: 'abc', maxTokens: 2 })) void piece;
    },
    beginSession: () => beginSession(model),
    saveSession: () => saveSession(memoryStorage(), 'state', model, session),
    loadSession: () => loadSession(storage, 'state', model),
  };
  it.each(Object.entries(calls))('%s leaves nothing behind where the backend refuses', async (_, call) => {
    expect(await leftBehind(backend, call)).toEqual([]);
  });
});
