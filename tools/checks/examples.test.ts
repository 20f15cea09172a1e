// Every complete example in a README, a page of the guide, or a doc comment of a package runs, and so does every program in examples/. They print what
// their comments say.
import { beforeAll, describe, expect, it } from 'vitest';
import { workspaces } from '../workspace.mjs';
import { examplesOf, runExamples, type Outcome } from './examples.mjs';

const directories = ['.', 'docs', ...workspaces(['packages', 'examples']).map(({ directory }) => directory)];
const examples = directories.flatMap(examplesOf);

/** `Float32Array(2) [ 1, 2 ]` and `Float32Array [1, 2]` are the same, and so are 'a' and a. */
const plain = (text: string): string => text.replaceAll(/(\w+Array)\(\d+\)/g, '$1').replaceAll(/['"\s]/g, '');

/** Whether a comment quotes what is printed: a value, not words. */
const quotes = (comment: string): boolean =>
  /[\d[\]{}'"]|^(true|false|undefined|null)\b/.test(comment) && !/\b(about|such as|up to)\b|…$/.test(comment);

describe('examples', () => {
  let outcomes: Outcome[];

  beforeAll(async () => {
    outcomes = await runExamples(examples);
  }, 300_000);

  it.for(examples.map(({ name }, i) => ({ name, i })))('$name', ({ i }, { skip }) => {
    const { printed, error } = outcomes[i]!;
    skip(!process.env.CI && /^BackendError: there is no GPU adapter/.test(error ?? ''), 'there is no GPU adapter');
    expect(error).toBeUndefined();
    for (const line of new Set(printed.map((each) => each.line))) {
      const comment = /console\.log\(.*\);? \/\/ (.+)$/.exec(line)?.[1];
      if (comment === undefined || !quotes(comment)) continue;
      // What a loop prints stands behind one another.
      const texts = printed.filter((each) => each.line === line).map(({ text }) => text);
      expect(plain(texts.join(', ')), line).toBe(plain(comment));
    }
  });
});
