// Every complete example in a README, a page of the guide, or a doc comment of a package runs, and so does every program in examples/. They print what
// their comments say.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { root, workspaces } from '../workspace.mjs';
import { examplesOf, runExamples, type Outcome } from './examples.mjs';

const inGroup = (group: string) => workspaces([group]).map(({ directory }) => directory);
const blocks = ['.', 'docs', ...inGroup('packages')].flatMap(examplesOf);
// These train, and a machine that does something else beside them takes its time.
const programs = inGroup('examples').flatMap(examplesOf);

it('examples are numbered, short, and in the list of them', () => {
  const list = readFileSync(join(root, 'docs/examples.md'), 'utf8');
  for (const [i, directory] of inGroup('examples').entries()) {
    expect(directory).toMatch(new RegExp(`^examples/${String(i + 1).padStart(2, '0')}-`));
    expect(list, directory).toContain(`](../${directory})`);
    const text = readFileSync(join(root, directory, 'main.ts'), 'utf8');
    expect(text.trimEnd().split('\n').length, directory).toBeLessThanOrEqual(60);
  }
});

/** `Float32Array(2) [ 1, 2 ]` and `Float32Array [1, 2]` are the same, and so are 'a' and a. */
const plain = (text: string): string => text.replaceAll(/(\w+Array)\(\d+\)/g, '$1').replaceAll(/['"\s]/g, '');

/** Whether a comment quotes what is printed: a value, not words. */
const quotes = (comment: string): boolean =>
  /[\d[\]{}'"]|^(true|false|undefined|null)\b/.test(comment) && !/\b(about|such as|up to)\b|…$/.test(comment);

describe.each([
  ['blocks', blocks, { each: 60, all: 300 }],
  ['programs', programs, { each: 60, all: 300 }],
] as const)('examples: %s', (_, examples, limits) => {
  let outcomes: Outcome[];

  beforeAll(async () => {
    outcomes = await runExamples(examples, limits);
  }, limits.all * 1000);

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
