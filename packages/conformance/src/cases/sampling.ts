/** The choice of a token: every filter, ties, and logits that are no numbers. */

import { Random } from '@sympow/kernels';
import type { Numbers } from '../api';
import type { Inputs } from '../inputs';
import type { KernelCase } from '../kernelCase';

/** Temperature, top-k, top-p, min-p. */
type Settings = readonly [number, number, number, number];

interface Choice {
  readonly name: string;
  readonly V: number;
  /** One for each row. */
  readonly settings: readonly Settings[];
  /** The logit of token i of a row; normal numbers of size 3 where absent. */
  readonly logit?: (i: number, row: number) => number;
  /** Where the generator of a row stands. */
  readonly random?: (row: number) => Random;
}

const all = 2 ** 20;
const greedy: Settings = [0, all, 1, 0];
const plain: Settings = [1, all, 1, 0];
const rowsOf = (settings: Settings, B = 5): readonly Settings[] => Array.from({ length: B }, () => settings);

const ways: readonly (readonly [string, Settings])[] = [
  ['the most likely', greedy],
  ['as they are', plain],
  ['hot', [3, all, 1, 0]],
  ['cold', [0.125, all, 1, 0]],
  ['top 1', [1, 1, 1, 0]],
  ['top 7', [1, 7, 1, 0]],
  ['top of more than there are', [0.5, all, 0.75, 0]],
  ['top p 0.9', [1, all, 0.9, 0]],
  ['top p 0.01', [1, all, 0.01, 0]],
  ['min p 0.05', [1, all, 1, 0.05]],
  ['min p 1', [2, all, 1, 1]],
  ['all filters', [1.5, 20, 0.83, 0.02]],
];

const minusInfinity = (i: number, keep: (i: number) => boolean) => (keep(i) ? Math.sin(i) : -Infinity);

const choices: readonly Choice[] = [
  ...ways.flatMap(([name, settings]) =>
    [1, 2, 65, 1000].map((V) => ({ name: `${name} of ${V}`, V, settings: rowsOf(settings) })),
  ),
  { name: 'many, each row its own way', V: 4099, settings: ways.map(([, settings]) => settings) },
  ...ways.map(([name, settings]) => ({
    ...{ name: `${name} of equal ones`, V: 65, settings: rowsOf(settings), logit: () => 0.5 },
  })),
  ...ways.map(([name, settings]) => ({
    ...{ name: `${name} of a few sizes`, V: 130, settings: rowsOf(settings), logit: (i: number) => ((i * 7) % 4) - 5 },
  })),
  { name: 'zeros of both signs', V: 6, settings: rowsOf(greedy), logit: (i) => (i % 2 === 0 ? -0 : 0) },
  { name: 'some of probability 0', V: 65, settings: rowsOf(plain), logit: (i) => minusInfinity(i, (x) => x % 3 === 1) },
  ...ways.map(([name, settings]) => ({
    ...{ name: `${name} of one that is possible`, V: 17, settings: rowsOf(settings, 2) },
    logit: (i: number) => minusInfinity(i, (x) => x === 11),
  })),
  { name: 'huge ones', V: 5, settings: rowsOf(plain), logit: (i, row) => (i === row ? 3e38 : -3e38) },
  {
    ...{ name: 'rows that are no numbers beside one that is', V: 33, settings: rowsOf([1, 9, 0.9, 0.01], 4) },
    logit: (i, row) => [Math.sin(i), i === 5 ? NaN : 0, i === 32 ? Infinity : 0, -Infinity][row]!,
  },
  {
    ...{ name: 'the most likely of rows that are no numbers', V: 3, settings: rowsOf(greedy, 4) },
    logit: (i, row) => [i === 0 ? NaN : 0, i === 2 ? NaN : 0, i === 1 ? Infinity : 0, -Infinity][row]!,
  },
  {
    ...{ name: 'generators anywhere', V: 65, settings: rowsOf(plain, 6) },
    random: (row) =>
      [
        new Random(0, 's', 3),
        new Random(2 ** 53 - 1, 'sampling', 5),
        new Random(7, 'sampling', 2 ** 32 - 1),
        new Random(7, 'other', 2 ** 34 + 2),
        new Random(2 ** 31, 1, 2 ** 52),
        new Random(1, 'sampling', 2 ** 32 - 2),
      ][row]!,
  },
  { name: 'no rows', V: 5, settings: [] },
];

function choiceCase({ name, V, settings, logit, random }: Choice): KernelCase {
  const B = settings.length;
  const generator = random ?? ((row) => new Random(row, 'sampling', 2 * row));
  const logits = (inputs: Inputs): Numbers =>
    logit ? inputs.of([B, V], (i) => logit(i % V, Math.floor(i / V))) : inputs.normal([B, V], 3);
  return {
    kernel: 'sampleToken',
    name,
    // A filter that is all but open ranks the tokens, and the same number then draws another one.
    taken: ['settings'],
    make: (inputs) => ({
      logits: logits(inputs),
      settings: inputs.of([B, 4], (i) => settings[Math.floor(i / 4)]![i % 4]!),
      random: inputs.list(
        [B, 6],
        settings.flatMap((_, row) => Array.from(generator(row).toWords())),
      ),
    }),
  };
}

export const sampling: readonly KernelCase[] = choices.map(choiceCase);
