// Checkpoints of Hugging Face's library on the command line: the folder is all that is named.

import { parseSafetensors } from '@sympow/safetensors';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { Scratch } from './scratch.cases';

const golden = fileURLToPath(new URL('../../../tools/golden/fixtures/hf', import.meta.url));
const scratch = new Scratch();
afterAll(() => scratch.remove());

/** A tokenizer in which token 5 is the word w5. */
const tokenizer = {
  version: '1.0',
  ...{ truncation: null, padding: null, added_tokens: [], normalizer: null, post_processor: null },
  pre_tokenizer: { type: 'WhitespaceSplit' },
  decoder: { type: 'WordPiece', prefix: '##', cleanup: false },
  model: {
    ...{ type: 'WordPiece', unk_token: 'w0', continuing_subword_prefix: '##', max_input_chars_per_word: 100 },
    vocab: Object.fromEntries(Array.from({ length: 128 }, (_, i) => [`w${i}`, i])),
  },
};
const words = (ids: readonly number[]) => ids.map((id) => `w${id}`).join(' ');

describe.each([
  ['llama', 'llama checkpoint of Hugging Face, 3 layers, softmax, float32, 17 shards'],
  ['mistral', 'mistral checkpoint of Hugging Face, 2 layers, window, float32'],
  ['qwen3', 'qwen3 checkpoint of Hugging Face, 2 layers, softmax, bfloat16'],
])('%s', (name, says) => {
  const folder = scratch.at(name);
  cpSync(`${golden}/${name}`, folder, { recursive: true });
  writeFileSync(`${folder}/tokenizer.json`, JSON.stringify(tokenizer));
  const expected = parseSafetensors(readFileSync(`${folder}/expected.safetensors`)).tensors;
  const greedy = [...expected.get('greedy')!.toInt32()];

  it('writes what that library writes', () => {
    const args = ['--prompt', words(greedy.slice(0, 7)), '--temperature', '0', '--max-tokens', '40', '--backend', 'js'];
    const { stdout, stderr } = scratch.sympow('generate', name, ...args, '--json');
    expect(stderr).toContain(`is a ${says}`);
    expect((JSON.parse(stdout) as { text: string }).text.trim()).toBe(words(greedy.slice(7)));
  }, 60_000);

  it('is evaluated', () => {
    writeFileSync(scratch.at(`${name}.txt`), words([...expected.get('ids')!.toInt32()]));
    const args = ['--part', 'all', '--length', '32', '--streams', '1', '--batch', '1', '--backend', 'wasm'];
    const { code, stdout, stderr } = scratch.sympow('eval', name, `${name}.txt`, ...args, '--json');
    expect([code, stderr]).toEqual([0, expect.stringContaining(`is a ${says}`)]);
    expect((JSON.parse(stdout) as { nats: number }).nats).toBeGreaterThan(0);
  }, 60_000);
});
