// Gates, phases and kinds of a person's own, from a module that commands are told of.

import { writeFileSync } from 'node:fs';
import { afterAll, expect, it } from 'vitest';
import { Scratch } from './scratch.cases';

const scratch = new Scratch();
afterAll(() => scratch.remove());

/** Where a module in the folder finds what a person has installed. */
const recurrence = new URL('../../../packages/recurrence/dist/index.js', import.meta.url).href;
const module = (name: string, code: string) => {
  writeFileSync(scratch.at(name), `import { gates } from '${recurrence}';\n${code}`);
  return name;
};
const data = "gates.find(({ name }) => name === 'data')";
const mine = module('mine.mjs', `const own = [{ ...${data}, name: 'mine' }];\nexport { own as gates };`);

it('a model with a gate of one’s own is trained, gone on with, evaluated and written with', () => {
  const train = scratch.train('run', '--gate', 'mine', '--entries', mine, '--backend', 'js');
  for (const steps of ['2', '4']) expect(scratch.sympow(...train, '--steps', steps)).toMatchObject({ code: 0 });
  const evaluation = ['eval', 'run', scratch.text, '--length', '32', '--streams', '1', '--backend', 'js'];
  const without = scratch.sympow(...evaluation);
  expect([without.code, without.stderr]).toEqual([
    1,
    expect.stringMatching(/\(gate is "mine"\); expected one of none/),
  ]);
  expect(scratch.sympow(...evaluation, '--entries', mine)).toMatchObject({ code: 0 });
  const written = scratch.sympow('generate', 'run', '--max-tokens', '4', '--backend', 'js', '--entries', mine);
  expect(written).toMatchObject({ code: 0 });
}, 60_000);

it('models with one are compared, also in two parts', () => {
  const experiment = {
    model: { layers: 1, hiddenSize: 16, heads: 2, headSize: 8 },
    training: { batch: 2, steps: 3, learningRate: 0.01, checkpointEvery: 1 },
    variants: ['gated', { name: 'mine', variant: 'gated', model: { gate: 'mine' } }],
    contexts: [16],
    evaluation: { length: 32, streams: 2 },
  };
  writeFileSync(scratch.at('x.json'), JSON.stringify(experiment));
  const compare = ['compare', 'x.json', '--data', scratch.text, '--backend', 'js'];
  const expected = /variants\[1\]\.model in x\.json: gate is "mine"/;
  const without = scratch.sympow(...compare, '--dry-run');
  expect([without.code, without.stderr]).toEqual([2, expect.stringMatching(expected)]);
  const own = [...compare, '--entries', mine];
  expect(scratch.sympow(...own, '--max-seconds', '0.001')).toMatchObject({ code: 0 });
  const { stdout } = scratch.sympow(...own, '--json');
  expect(JSON.parse(stdout.trim().split('\n').pop() ?? '')).toMatchObject({ finished: true });
}, 60_000);

it.each<[string, () => string, RegExp]>([
  ['that is not there', () => 'nowhere.mjs', /cannot load nowhere\.mjs \(.*expected a JavaScript module/],
  [
    'that exports no list',
    () => module('a.mjs', 'export const gate = gates[0];'),
    /a\.mjs exports gate; expected a list called gates or/,
  ],
  [
    'whose list is none',
    () => module('b.mjs', 'export const phases = gates[0];'),
    /phases of b\.mjs is .*; expected a list of entries/,
  ],
  [
    'whose entry says nothing',
    () => module('c.mjs', "export const kinds = [{ name: 'x' }];"),
    /an entry of kinds of c\.mjs is .*name and says/,
  ],
  [
    'whose entry is called as one of ours',
    () => module('d.mjs', 'export { gates };'),
    /a name in gates of d\.mjs is "none"; expected one that no other/,
  ],
  [
    'without the gate that is asked for',
    () => module('e.mjs', 'export const kinds = [];'),
    /gate is "mine"; expected one of none, fixed/,
  ],
])(
  'a module %s is refused in one line',
  (_, path, says) => {
    const { code, stderr } = scratch.sympow(...scratch.train('x', '--gate', 'mine', '--entries', path()));
    expect([code, stderr.trim().split('\n').at(-1)]).toEqual([2, expect.stringMatching(says)]);
  },
  60_000,
);
