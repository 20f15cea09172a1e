/** One token at a time: the bare step with its gradient, and the answer from a window of keys beside the state. */

import type { CaseArguments, Numbers } from '../api';
import type { Inputs } from '../inputs';
import type { KernelCase } from '../kernelCase';
import { tempers, type LayerCase } from './gates';
import { poisoned, type Poison } from './poison';

interface Step extends LayerCase {
  readonly queryScale?: number;
  /** Tokens of the window. */
  readonly C?: number;
  /** Tokens in the window of every row, or of each. */
  readonly count?: number | readonly number[];
  /** In the window's tokens, and in the whole state. */
  readonly poison?: Poison;
}

const windows: readonly Step[] = [
  { name: 'rows of different length', B: 4, H: 4, G: 2, power: 2, gates: 'usual', C: 70, count: [1, 70, 0, 33] },
  { name: 'rows of different length, no gates', B: 3, d: 5, e: 3, power: 4, C: 7, count: [7, 0, 2] },
  { name: 'rows and vector gates', B: 2, power: 2, d: 5, gates: 'usual', vector: true, C: 8, count: [2, 8] },
  // Taken as the nearer end: nothing outside the row is read.
  {
    ...{ name: 'counts outside the window', B: 4, power: 2, gates: 'usual', C: 4 },
    count: [-1, 5, 2 ** 31 - 1, -(2 ** 31)],
  },
];

const steps: readonly Step[] = [
  { name: 'one number', d: 1, e: 1, power: 2 },
  { name: 'usual gates, grouped heads', B: 2, H: 6, G: 2, d: 5, e: 3, power: 2, gates: 'usual', C: 5, count: 5 },
  { name: 'without gates', B: 2, H: 2, G: 2, d: 7, e: 17, power: 2, C: 16, count: 9 },
  { name: 'window of one', B: 2, power: 2, gates: 'usual', C: 4, count: 1 },
  { name: 'd = 64', d: 64, e: 65, power: 2, gates: 'usual', C: 64, count: 63 },
  { name: 'p = 1', H: 2, power: 1, gates: 'usual', normalizer: 'none', C: 3, count: 2 },
  { name: 'p = 2, no normalizer', H: 2, power: 2, gates: 'usual', normalizer: 'none', C: 3, count: 3 },
  { name: 'p = 3', B: 2, power: 3, gates: 'usual', normalizer: 'none', C: 5, count: 5 },
  { name: 'p = 4', B: 2, H: 4, G: 2, d: 3, power: 4, gates: 'usual', C: 17, count: 17 },
  { name: 'p = 1, vector gates', power: 1, gates: 'usual', vector: true, normalizer: 'none', C: 5, count: 5 },
  { name: 'p = 2, vector gates', B: 2, H: 4, G: 2, d: 5, power: 2, gates: 'usual', vector: true, C: 17, count: 9 },
  { name: 'vector gates of one number', d: 1, power: 2, gates: 'usual', vector: true, C: 5, count: 5 },
  { name: 'p = 4, vector gates', d: 3, power: 4, gates: 'usual', vector: true, C: 5, count: 5 },
  { name: 'gates of 1', power: 2, gates: 'one', C: 5, count: 5 },
  { name: 'gates of 0', power: 2, gates: 'zero', C: 5, count: 5 },
  { name: 'a reset in the window', G: 2, power: 2, gates: 'resets', C: 17, count: 15 },
  { name: 'uneven heads', G: 5, power: 2, gates: 'uneven', C: 8, count: 8 },
  { name: 'uneven vector gates', power: 2, d: 5, gates: 'uneven', vector: true, C: 8, count: 6 },
  { name: 'gates at the threshold', B: 9, power: 2, gates: 'threshold', C: 17, count: 17 },
  { name: 'steep gates', power: 2, gates: 'steep', C: 65, count: 65 },
  { name: 'zero keys', power: 2, gates: 'usual', keyScale: 0, C: 5, count: 5 },
  { name: 'zero queries', power: 2, gates: 'usual', queryScale: 0, C: 5, count: 5 },
  { name: 'p = 4, huge norms', d: 3, power: 4, gates: 'usual', queryScale: 1e4, keyScale: 1e4, C: 5, count: 4 },
  { name: 'p = 4, tiny norms', d: 3, power: 4, gates: 'usual', queryScale: 1e-4, keyScale: 1e-4, C: 5, count: 4 },
  {
    name: 'NaN before a reset',
    ...{ H: 4, G: 2, power: 2, gates: 'resets', C: 17, count: 15 },
    poison: { value: NaN, tokens: [1, 5], of: ['k', 'v', 'gates', 'state'] },
  },
  {
    name: 'infinities before a reset, vector gates',
    ...{ G: 2, power: 2, gates: 'resets', vector: true, C: 17, count: 15 },
    poison: { value: Infinity, tokens: [5], of: ['k', 'v', 'state'] },
  },
];

/** A state as 40 keys leave it, or nothing but poison. */
function state(inputs: Inputs, step: Step): { S: Numbers; Z: Numbers } {
  const { B = 1, G = 1, d = 4, e = 4, power, keyScale = 1, poison } = step;
  const k = inputs.normal([B, 40, G, d], keyScale || 1);
  const v = inputs.normal([B, 40, G, e]);
  const { deltaS, deltaZ } = inputs.define('updateState', { k, v, power, chunk: 40 });
  const D = deltaZ!.shape[3]!;
  const [S, Z] = poison?.of.includes('state')
    ? [inputs.constant(deltaS!.shape, poison.value), inputs.constant(deltaZ!.shape, poison.value)]
    : [deltaS!, deltaZ!];
  return { S: { ...S, shape: [B, G, D, e] }, Z: { ...Z, shape: [B, G, D] } };
}

function stepArguments(inputs: Inputs, step: Step): CaseArguments {
  const { B = 1, G = 1, H = G, d = 4, e = 4, power, gates, vector, normalizer = 'sum' } = step;
  const { queryScale = 1, keyScale = 1 } = step;
  // Tempers change from token to token; here every sequence of the batch stands at another one.
  const logGates = gates && tempers[gates](inputs, [1, B, G, ...(vector ? [d] : [])], 4);
  return {
    power,
    normalizer,
    q: inputs.normal([B, H, d], queryScale),
    k: inputs.normal([B, G, d], keyScale),
    v: inputs.normal([B, G, e]),
    logGate: logGates && { ...logGates, shape: logGates.shape.slice(1) },
    ...state(inputs, step),
  };
}

function stepCases(step: Step): KernelCase[] {
  const { name } = step;
  const make: KernelCase['make'] = (inputs) => stepArguments(inputs, step);
  const backward = (last: boolean): KernelCase => ({
    kernel: 'stepStateBackward',
    // After a reset the answer is the token's own value whatever query and key are; what cancels is over q·k.
    floor: { dq: 10 / (step.queryScale || 1), dk: 10 / (step.keyScale || 1), dlogGate: 10 },
    name: last ? name : `${name}, nothing from later steps`,
    make: (inputs) => {
      const args = make(inputs);
      const results = inputs.define('stepState', args);
      const gradients = { dSNext: inputs.normal(results.SNext!.shape), dZNext: inputs.normal(results.ZNext!.shape) };
      return { ...args, ...results, dy: inputs.normal(results.y!.shape), ...(last ? gradients : {}) };
    },
  });
  return [
    { kernel: 'stepState', name, make },
    { kernel: 'stepState', name: `${name}, in place`, make, alias: { SNext: 'S', ZNext: 'Z' } },
    backward(true),
    backward(false),
  ];
}

function windowCase(step: Step): KernelCase {
  const { name, B = 1, G = 1, H = G, d = 4, e = 4, C = 1, count = 1, power, gates, vector, normalizer = 'sum' } = step;
  const { queryScale = 1, keyScale = 1, poison } = step;
  return {
    kernel: 'queryWindow',
    name,
    make: (inputs) => {
      // Rows that no token has filled yet hold anything at all.
      const counts = typeof count === 'number' ? Array.from({ length: B }, () => count) : count;
      const filled = (numbers: Numbers) => {
        const row = numbers.data.length / (B * C);
        return inputs.replace(numbers, (i, x) =>
          Math.floor(i / row) % C < counts[Math.floor(i / (row * C))]! ? x : NaN,
        );
      };
      const logGate = gates && tempers[gates](inputs, [B, C, G, ...(vector ? [d] : [])], 4);
      return {
        power,
        normalizer,
        q: inputs.normal([B, H, d], queryScale),
        k: poisoned(inputs, filled(inputs.normal([B, C, G, d], keyScale)), poison, 'k'),
        v: poisoned(inputs, filled(inputs.normal([B, C, G, e])), poison, 'v'),
        logGate: logGate && poisoned(inputs, filled(logGate), poison, 'gates'),
        count: inputs.list([B], counts),
        ...state(inputs, step),
      };
    },
  };
}

interface Appended {
  readonly name: string;
  readonly B?: number;
  readonly T: number;
  readonly S: number;
  readonly G?: number;
  readonly d?: number;
  readonly e?: number;
  /** Gates per token and head: none, one, or d. */
  readonly gates?: 'scalar' | 'vector';
  readonly offset: readonly number[];
}

const appended: readonly Appended[] = [
  { name: 'one token', T: 1, S: 1, offset: [0] },
  { name: 'rows at places of their own', B: 4, T: 1, S: 70, G: 2, d: 8, gates: 'scalar', offset: [0, 69, 17, 63] },
  { name: 'several tokens', B: 2, T: 5, S: 9, G: 3, d: 5, e: 3, offset: [4, 1] },
  { name: 'vector gates', B: 2, T: 3, S: 9, d: 4, gates: 'vector', offset: [6, 0] },
  { name: 'rows that rest', B: 4, T: 2, S: 6, gates: 'scalar', offset: [-1, 2, -2, -(2 ** 31)] },
  { name: 'more than there is room for', B: 4, T: 3, S: 6, e: 5, offset: [4, 6, 1_000_000, 3] },
  { name: 'many tokens', B: 2, T: 130, S: 200, G: 2, d: 16, e: 16, gates: 'scalar', offset: [70, 3] },
  { name: 'no tokens', B: 2, T: 0, S: 6, offset: [0, 3] },
];

function appendCase({ name, B = 1, T, S, G = 1, d = 4, e = 4, gates, offset }: Appended): KernelCase {
  const width = gates === 'vector' ? [d] : [];
  return {
    kernel: 'append',
    name,
    make: (inputs) => ({
      k: inputs.normal([B, T, G, d]),
      v: inputs.normal([B, T, G, e]),
      logGate: gates && inputs.normal([B, T, G, ...width]),
      offset: inputs.list([B], offset),
      keys: inputs.normal([B, S, G, d]),
      values: inputs.normal([B, S, G, e]),
      logGates: gates && inputs.normal([B, S, G, ...width]),
    }),
    without: gates ? undefined : ['logGates'],
  };
}

export const decoding: readonly KernelCase[] = [
  ...steps.flatMap((step) =>
    [...stepCases(step), windowCase(step)].map((kase) => (step.poison ? { ...kase, poisoned: true } : kase)),
  ),
  ...windows.map(windowCase),
  ...appended.map(appendCase),
];
