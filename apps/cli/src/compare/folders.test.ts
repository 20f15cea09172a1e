// What stands in the folder of an experiment: names of any kind, and what is damaged there or belongs to other data.

import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Scratch } from '../scratch.cases';

let scratch: Scratch;
beforeAll(() => {
  scratch = new Scratch();
});
afterAll(() => scratch.remove());

const small = {
  model: { layers: 1, hiddenSize: 8, heads: 1, headSize: 8 },
  training: { batch: 2, steps: 6, learningRate: 0.01, checkpointEvery: 3 },
  contexts: [8],
  evaluation: { length: 64, streams: 2 },
};

function compare(out: string, experiment: object, ...more: string[]) {
  writeFileSync(scratch.at('x.json'), JSON.stringify({ ...small, ...experiment }));
  return scratch.sympow('compare', 'x.json', '--data', 'text.txt', '--backend', 'js', '--out', out, ...more);
}

const read = (...names: string[]) => readFileSync(scratch.at(...names), 'utf8');
const lastLine = (text: string) => text.trim().split('\n').at(-1);

describe('names of any kind', () => {
  const html = '<img src=x onerror=alert(1)>';
  const names = ['constructor', 'toString', '__proto__', '门控', '😀', '🎉', html, '=1+1', '[a](http://b) `c` *d* | e'];
  const recall = ['constructor', '门', '窗'].map((name) => ({ name, task: 'passkey', length: 100, count: 2 }));

  it('give a report of all of them, in which they are nothing but text', () => {
    const variants = names.map((name) => ({ name, variant: 'gated' }));
    const { code, stderr } = compare('names', { title: html, description: html, variants, recall });
    expect(stderr).toContain(`${names.length} of ${names.length} runs are finished`);
    expect(code).toBe(0);
    const results = JSON.parse(read('names/results.json')) as { runs: { variant: string; recall: object }[] };
    expect(results.runs.map(({ variant }) => variant)).toEqual(names);
    for (const run of results.runs) expect(Object.keys(run.recall)).toEqual(['constructor', '门', '窗']);
    const charts = readdirSync(scratch.at('names/charts'));
    expect(charts.filter((name) => name.endsWith('-distance.svg'))).toHaveLength(3);
    const [markdown, ...fenced] = read('names/report.md').split('## The file');
    expect(fenced).toHaveLength(1);
    expect(markdown).not.toContain('<');
    expect(markdown).toContain('\\[a\\](http://b) \\`c\\` \\*d\\* \\| e');
    for (const page of ['report.html', ...charts.map((name) => `charts/${name}`)])
      expect(read('names', page)).not.toContain('<img');
    expect(read('names/runs.csv')).toMatch(/,'=1\+1,8,0,true,/);
    expect(read('names/charts/loss-by-position-8.svg')).toContain('>constructor<');
  }, 60_000);
});

describe('the losses of the steps', () => {
  const steps = () => scratch.at('steps/runs/gated-c8-s0/steps.jsonl');
  const again = () => compare('steps', { variants: ['gated'] }, '--report');
  let whole: string;
  let sound: string;
  beforeAll(() => {
    expect(compare('steps', { variants: ['gated'] }).code).toBe(0);
    whole = read('steps/results.json');
    sound = readFileSync(steps(), 'utf8');
  }, 60_000);

  it.each([
    ['that two processes did', (lines: string[]) => [...lines.slice(0, 4), ...lines]],
    ['that they wrote across each other', (lines: string[]) => [`${lines[0]!.slice(0, 9)}${lines[1]}`, ...lines]],
    ['among nonsense', (lines: string[]) => ['{}', 'null', '\0\0', ...lines]],
  ])('%s count once', (_, harm) => {
    writeFileSync(steps(), [...harm(sound.trimEnd().split('\n')), ''].join('\n'));
    expect(again().code).toBe(0);
    expect(read('steps/results.json')).toBe(whole);
  });

  it('of which one is missing are refused with the remedy, which helps', () => {
    const lines = sound.split('\n');
    writeFileSync(steps(), [...lines.slice(0, 2), ...lines.slice(3)].join('\n'));
    const { code, stderr } = again();
    expect(lastLine(stderr)).toMatch(
      /^sympow: .*steps\.jsonl is damaged: the loss of step 3 of 6 is missing; .*Remove .*gated-c8-s0, and the same/,
    );
    expect(code).toBe(1);
    rmSync(scratch.at('steps/runs/gated-c8-s0'), { recursive: true });
    expect(compare('steps', { variants: ['gated'] }).code).toBe(0);
    const losses = (text: string) => (JSON.parse(text) as { runs: { curve: unknown }[] }).runs[0]!.curve;
    expect(losses(read('steps/results.json'))).toEqual(losses(whole));
  }, 60_000);
});

describe('other text of the same length', () => {
  it('and one variant more do not come into one table', () => {
    expect(compare('data', { variants: ['gated'] }).code).toBe(0);
    const text = read('text.txt');
    writeFileSync(scratch.at('text.txt'), text.replaceAll('worst', 'wurst'));
    const results = read('data/results.json');
    for (const more of [[], ['--only', 'softmax'], ['--report']]) {
      const { code, stderr } = compare('data', { variants: ['gated', 'softmax'] }, ...more);
      expect(lastLine(stderr)).toMatch(
        /^sympow: data\.content of .*gated-c8-s0 is ".*"; expected ".*", as the run began/,
      );
      expect([1, 2]).toContain(code);
    }
    expect(read('data/results.json')).toBe(results);
    writeFileSync(scratch.at('text.txt'), text);
    expect(compare('data', { variants: ['gated', 'softmax'] }).code).toBe(0);
  }, 60_000);
});
