import { planRuns, selectRuns, slug } from '@sympow/experiments';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readExperiment } from './file';

const folder = mkdtempSync(join(tmpdir(), 'sympow-experiment-'));
afterAll(() => rmSync(folder, { recursive: true }));

const good = {
  model: { layers: 1, hiddenSize: 16, heads: 2, headSize: 8 },
  training: { batch: 2, steps: 4, learningRate: 0.01 },
  variants: ['softmax', { name: 'quartic', variant: 'conformal', model: { power: 4 }, seeds: [3], contexts: [8] }],
  contexts: [16, 32],
  seeds: [0, 1],
};

function file(contents: unknown): string {
  const path = join(folder, 'x.json');
  writeFileSync(path, typeof contents === 'string' ? contents : JSON.stringify(contents));
  return path;
}

const read = (changes: object) => readExperiment(file({ ...good, ...changes }));

describe('the runs of a file', () => {
  const experiment = read({});
  const runs = planRuns(experiment, 256);

  it('are variants × contexts × seeds, where a variant may have its own', () => {
    expect(runs.map(({ id }) => id)).toEqual([
      'softmax-c16-s0',
      'softmax-c16-s1',
      'softmax-c32-s0',
      'softmax-c32-s1',
      'quartic-c8-s3',
    ]);
    expect(runs[0]!.config).toMatchObject({ attention: { name: 'softmax' }, vocabSize: 256, hiddenSize: 16 });
    expect(runs[4]!.config).toMatchObject({ attention: { name: 'power' }, power: 4, rotary: { name: 'data' } });
    expect(experiment.baseline).toBe('softmax');
  });

  it('are chosen by parts of their names', () => {
    const chosen = (...words: string[]) => selectRuns(runs, words).map(({ id }) => id);
    expect(chosen()).toHaveLength(5);
    expect(chosen('c32')).toEqual(['softmax-c32-s0', 'softmax-c32-s1']);
    expect(chosen('soft*s1', 'quartic')).toEqual(['softmax-c16-s1', 'softmax-c32-s1', 'quartic-c8-s3']);
    expect(() => chosen('.')).toThrow('--only is "."; expected part of a name such as softmax-c16-s0');
  });

  it('read as many tokens at every context where the file says so', () => {
    const { variants } = read({ training: { tokensPerStep: 64, steps: 4, learningRate: 0.01 } });
    expect(variants[0]!.schedules.map(({ batch }) => batch)).toEqual([4, 2]);
    expect(variants[1]!.schedules.map(({ batch }) => batch)).toEqual([8]);
    const own = [{ variant: 'gated', training: { batch: 3, steps: 9 } }];
    const [schedule] = read({ training: { tokensPerStep: 64, steps: 4, learningRate: 0.01 }, variants: own })
      .variants[0]!.schedules;
    expect(schedule).toEqual({ batch: 3, accumulate: 1, steps: 9, learningRate: 0.01 });
  });

  it('have names that fit a path', () => {
    expect(slug('Conformal, β ~ N(0, 0.02)')).toBe('conformal-b-n-0-0.02');
    expect(slug('../../x')).toBe('x');
    expect(slug('***')).toBe('run');
    expect(slug('Épée')).toBe('épée');
    expect(Buffer.byteLength(slug('门'.repeat(500)))).toBeLessThan(200);
  });

  it('have folders of their own, in whatever script they are named', () => {
    const names = ['门控', '相位', '😀', '🎉', 'C', 'C++', 'constructor', 'toString', '__proto__', 'Gated', 'gated'];
    const variants = names.map((name) => ({ name, variant: 'gated' }));
    const runs = planRuns(read({ variants, contexts: [8], seeds: [0] }), 256);
    expect(runs.map(({ variant }) => variant)).toEqual(names);
    expect(new Set(runs.map(({ id }) => id)).size).toBe(names.length);
    expect(runs.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['门控-c8-s0', 'run-c8-s0', 'c-c8-s0', 'gated-c8-s0']),
    );
    // One more behind them moves nobody.
    const more = planRuns(
      read({ variants: [...variants, { name: '🚀', variant: 'gated' }], contexts: [8], seeds: [0] }),
      256,
    );
    expect(more.slice(0, -1).map(({ id }) => id)).toEqual(runs.map(({ id }) => id));
  });

  it('are read from a file that begins with a byte order mark', () => {
    expect(readExperiment(file(`\ufeff${JSON.stringify(good)}`)).variants).toHaveLength(2);
  });
});

describe('a mistake in the file is named with its place', () => {
  it.each<[string, object, RegExp]>([
    [
      'a setting that is none',
      { trainig: {} },
      /^trainig in .*x\.json is no setting; expected one of title, .*training/,
    ],
    ['one in a part', { evaluation: { lenght: 8 } }, /^evaluation\.lenght in .* is no setting; expected one of length/],
    [
      'several parts that are missing',
      { variants: undefined, contexts: undefined },
      /lacks variants, contexts; expected each/,
    ],
    [
      'all of training',
      { training: {} },
      /^training for variants\[0\] in .* lacks steps, learningRate, batch or tokensPerStep;/,
    ],
    ['a part that is missing', { training: undefined }, /^training in .* is missing; expected it to be there/],
    ['a list that is none', { contexts: 16 }, /^contexts in .* is 16; expected a list of at least one context/],
    ['an empty list', { variants: [] }, /^variants in .*expected a list of at least one variant/],
    ['a context of 0', { contexts: [16, 0] }, /^contexts\[1\] in .* is 0; expected a whole number of at least 1/],
    [
      'a seed twice',
      { seeds: [0, 1, 0] },
      /^seeds in .* is \[0, 1, 0\]; expected a list in which no seed stands twice/,
    ],
    ['a context twice', { contexts: [8, 8] }, /^contexts in .* is \[8, 8\]; expected a list in which no context/],
    [
      'a name that steers a terminal',
      { variants: [{ name: '\u001b[2Jgated', variant: 'gated' }] },
      /^variants\[0\]\.name in .* is "\\u001b\[2Jgated"; expected a text in one line, without control characters/,
    ],
    ['a title in two lines', { title: 'a\nb' }, /^title in .* is "a\\nb"; expected a text in one line/],
    ['half a seed', { seeds: [0.5] }, /^seeds\[0\] in .* is 0\.5; expected a whole number of at least 0/],
    [
      'a variant that is none',
      { variants: ['sofmax'] },
      /^variants\[0\] in .* is "sofmax"; expected one of softmax, .*pair-rotary/,
    ],
    [
      'one in an object',
      { variants: [{ variant: 'x' }] },
      /^variants\[0\]\.variant in .* is "x"; expected one of softmax/,
    ],
    ['a share above 1', { data: { heldOut: 2 } }, /^data\.heldOut in .* is 2; expected a number above 0 and below 1/],
    ['a test without a length', { recall: [{ task: 'recall' }] }, /^recall\[0\]\.length in .* is missing/],
    [
      'one name twice',
      { variants: ['gated', { name: 'gated ', variant: 'softmax' }] },
      /^a name of variants in .* is "gated "; expected one that no other has/,
    ],
    [
      'a baseline that is not there',
      { baseline: 'gated' },
      /^baseline in .* is "gated"; expected the name of a variant: softmax, quartic/,
    ],
    [
      'no batch',
      { training: { steps: 4, learningRate: 1 } },
      /^training for variants\[0\] in .* lacks batch or tokensPerStep; expected each/,
    ],
    [
      'no steps',
      { training: { batch: 4, learningRate: 1 } },
      /^training for variants\[0\] in .* lacks steps; expected each of them/,
    ],
    [
      'tokens that do not divide',
      { training: { ...good.training, batch: undefined, tokensPerStep: 40 } },
      /^training\.tokensPerStep is 40; expected a multiple of the context, 16/,
    ],
    [
      'pieces that do not divide',
      { training: { ...good.training, accumulate: 3 } },
      /^training\.accumulate is 3; expected a divisor of the 2 rows/,
    ],
  ])('%s', (_, changes, says) => {
    expect(() => read(changes)).toThrow(says);
  });

  it.each<[string, object, RegExp]>([
    [
      'a model setting that is none',
      { model: { layer: 1 } },
      /^variants\[0\]\.model in .*: a setting is "layer"; expected one of/,
    ],
    [
      'a model that cannot be',
      { model: { heads: 3, keyValueHeads: 2 } },
      /^variants\[0\]\.model in .*: heads is 3; expected a multiple/,
    ],
  ])('%s', (_, changes, says) => {
    expect(() => planRuns(read(changes), 256)).toThrow(says);
  });

  it('also where it is no JSON, or not there', () => {
    expect(() => readExperiment(file('{ "model": '))).toThrow(
      /x\.json is not JSON \(.*\); expected one object in JSON/,
    );
    expect(() => readExperiment(join(folder, 'nowhere.json'))).toThrow(/cannot read .*nowhere\.json/);
    expect(() => readExperiment(file('[]'))).toThrow(/it holds a list.*expected one object in JSON/);
  });
});
