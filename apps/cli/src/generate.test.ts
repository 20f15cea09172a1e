// `sympow generate` as a person runs it: prompts, stops, and texts that are cut and gone on with.

import { statSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WrittenText } from '@sympow/inference';
import { Scratch } from './scratch.cases';

let scratch: Scratch;
/** A model of characters of two, three and four bytes. */
let checkpoint: string;
let other: string;
beforeAll(() => {
  scratch = new Scratch();
  writeFileSync(scratch.at('signs.txt'), '😀漢字é😁 '.repeat(400));
  const train = (out: string, ...more: string[]) =>
    scratch.sympow(
      ...scratch
        .train(out, '--steps', '60', '--lr', '0.02', '--batch', '8', ...more)
        .map((arg) => (arg === scratch.text ? 'signs.txt' : arg)),
    );
  expect(train('signs').code).toBe(0);
  expect(train('other', '--seed', '1').code).toBe(0);
  checkpoint = scratch.at('signs');
  other = scratch.at('other');
}, 120_000);
afterAll(() => scratch.remove());

const prompt = ['--prompt', '😀漢'];

/** What is written on standard output without --json, and the result with it. */
function write(...args: string[]): { shown: string; result: WrittenText } {
  const plain = scratch.sympow('generate', checkpoint, ...args);
  expect(plain.stderr).not.toContain('sympow:');
  const { stdout } = scratch.sympow('generate', checkpoint, ...args, '--json');
  return { shown: plain.stdout, result: JSON.parse(stdout) as WrittenText };
}

describe('stops', () => {
  it('end the text, and what is shown of it is made of whole characters', () => {
    const args = [...prompt, '--max-tokens', '40', '--temperature', '0.3'];
    const whole = write(...args);
    expect(whole.result.text).toMatch(/😁|😀/u);
    expect(whole.shown).toBe(`😀漢${whole.result.text}\n`);
    const letters = [...whole.result.text];
    for (const stop of [letters.slice(5, 8).join(''), letters[6]!]) {
      const { shown, result } = write(...args, '--stop', 'never written at all', '--stop', stop);
      expect(result.text).toBe(whole.result.text.slice(0, whole.result.text.indexOf(stop)));
      expect(shown).toBe(`😀漢${result.text}\n`);
    }
    for (const stop of ['zz', 'zzz', 'a stop that is long and never written']) {
      const held = write(...args, '--stop', stop);
      expect(held).toMatchObject({ shown: whole.shown, result: { text: whole.result.text } });
    }
  }, 60_000);

  it('that are empty are a mistake', () => {
    const { code, stderr } = scratch.sympow('generate', checkpoint, '--stop', '');
    expect([code, stderr]).toEqual([2, 'sympow: --stop is empty; expected text that ends what is written.\n']);
  });
});

describe('a saved state', () => {
  const state = () => scratch.at('state.safetensors');
  const run = (...args: string[]) =>
    JSON.parse(scratch.sympow('generate', checkpoint, ...args, '--json').stdout) as WrittenText;

  it('goes on with the text to the last byte, wherever it was cut, drawn or not', () => {
    for (const more of [
      ['--temperature', '0'],
      ['--temperature', '1', '--seed', '7'],
    ]) {
      const whole = run(...prompt, '--max-tokens', '12', ...more).text;
      for (const cut of [0, 1, 2, 3, 7]) {
        const before = run(...prompt, '--max-tokens', String(cut), ...more, '--state-out', state());
        const after = run('--max-tokens', String(12 - cut), ...more, '--state-in', state());
        expect(before.text + after.text, `cut at ${cut}`).toBe(whole);
        expect(after.promptTokens).toBe(0);
      }
    }
  }, 120_000);

  it('goes on in the draws of its seed where none is given, and in others where one is', () => {
    const args = ['--temperature', '1'];
    const whole = run(...prompt, '--max-tokens', '30', ...args, '--seed', '7').text;
    const before = run(...prompt, '--max-tokens', '5', ...args, '--seed', '7', '--state-out', state()).text;
    const rest = (...more: string[]) =>
      before + run('--max-tokens', '25', ...args, ...more, '--state-in', state()).text;
    expect(rest()).toBe(whole);
    expect(rest('--seed', '7')).toBe(whole);
    expect(rest('--seed', '8')).not.toBe(whole);
    expect(rest('--prompt', 'é')).not.toBe(whole);
    // It can be saved again, over itself, and does not grow but for the tokens in the window.
    const { size } = statSync(state());
    run('--max-tokens', '59', '--state-in', state(), '--state-out', state());
    expect(statSync(state()).size).toBeLessThan(2 * size);
  }, 60_000);

  it('of another checkpoint of the same shape is refused', () => {
    run(...prompt, '--max-tokens', '2', '--state-out', state());
    const { code, stderr, stdout } = scratch.sympow('generate', other, '--state-in', state());
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/state\.safetensors was saved by a model with other weights or settings.*[Uu]se the check/);
  });
});

describe('prompts', () => {
  it.each([
    [['--prompt', ''], /^sympow: --prompt is empty; expected text to begin with\. Leave it out/],
    [['--prompt-file', 'nothing.txt'], /^sympow: --prompt-file nothing\.txt is empty; expected text to begin with/],
    [
      ['--prompt', 'a', '--prompt-file', 'text.txt'],
      /^sympow: --prompt is "a"; expected it or --prompt-file, not both/,
    ],
    [['--prompt-file', 'signs'], /^sympow: --prompt-file is "signs"; expected one file/],
    [['--prompt-file', ''], /is empty; expected a file/],
    [['--state-in', ''], /^sympow: --state-in is empty; expected a file/],
    [['--state-out', ''], /^sympow: --state-out is empty; expected a file/],
  ])('%j is a mistake', (args, says) => {
    writeFileSync(scratch.at('nothing.txt'), '');
    const { code, stderr, stdout } = scratch.sympow('generate', checkpoint, ...args);
    expect(stderr).toMatch(says);
    expect([code, stdout]).toEqual([2, '']);
  });

  it('may be longer than a command line, from a file or from standard input', () => {
    const text = `${'é漢😀 '.repeat(20_000)}`;
    writeFileSync(scratch.at('long.txt'), text);
    const line = (source: string) => `sympow generate ${checkpoint} ${source} --max-tokens 4 --temperature 0 --json`;
    const results = [line('--prompt-file long.txt'), `cat long.txt | ${line('--prompt-file -')}`].map(
      (each) => JSON.parse(scratch.shell(each).stdout) as WrittenText,
    );
    for (const result of results) {
      expect(result.promptTokens).toBe(Buffer.byteLength(text));
      expect(result.text).toBe(results[0]!.text);
    }
  }, 120_000);

  it('are read in the encoding that is named, and nothing else is taken for text', () => {
    writeFileSync(scratch.at('latin1.txt'), Buffer.from('é é', 'latin1'));
    const args = ['generate', checkpoint, '--prompt-file', 'latin1.txt', '--max-tokens', '1'];
    expect(scratch.sympow(...args, '--encoding', 'latin1').stdout).toMatch(/^é é/);
    expect(scratch.sympow(...args).stderr).toMatch(/it is not UTF-8.*--encoding latin1/);
  });

  it('and what follows are timed apart', () => {
    const { stderr, stdout } = scratch.sympow('generate', checkpoint, ...prompt, '--max-tokens', '5', '--json');
    expect(stderr).toMatch(/read 7 tokens at [\d.]+ tokens\/s, wrote 5 tokens at [\d.]+ tokens\/s, memory of the str/);
    const result = JSON.parse(stdout) as WrittenText;
    expect(result).toMatchObject({ tokens: 5, promptTokens: 7 });
    expect(result.tokensPerSecond).toBeGreaterThan(0);
    const one = scratch.sympow('generate', checkpoint, ...prompt, '--max-tokens', '1', '--json').stdout;
    expect(JSON.parse(one)).toMatchObject({ tokens: 1, tokensPerSecond: null });
  });
});
