/** What a layer begins with: linear maps of one normalised input; and how the next tokens of a stream come into its memory. */

import type { CaseArgument, CaseArguments } from '../api';
import type { Inputs } from '../inputs';
import type { KernelCase } from '../kernelCase';
import { tempers } from './gates';

interface Maps {
  readonly name: string;
  readonly kind?: 'layer' | 'rms';
  readonly rows: readonly number[];
  readonly n: number;
  /** Rows of each weight; 0 leaves a map out. */
  readonly m: readonly number[];
  readonly biases?: readonly boolean[];
  readonly activations?: readonly ('gelu' | 'logSigmoid' | 'onePlusTanh' | undefined)[];
  readonly plain?: boolean;
  readonly scale?: number;
  readonly shift?: number;
}

const maps: readonly Maps[] = [
  // Small beside eps: of a large number the norm leaves its sign, and the gradient is what rounding leaves of 1 − 1.
  { name: 'one number', rows: [1], n: 1, m: [1], scale: 1e-3 },
  {
    name: 'one row',
    rows: [1, 1],
    n: 64,
    m: [65, 3, 17, 2, 8],
    biases: [false, true],
    activations: [undefined, 'gelu'],
  },
  { name: 'four rows, three alike', kind: 'layer', rows: [4], n: 20, m: [20, 20, 20], biases: [true, true, true] },
  {
    ...{ name: '17 rows, every map', rows: [17], n: 9, m: [5, 3, 1, 7, 2], biases: [true, false, true, true, true] },
    activations: ['gelu', 'logSigmoid', 'onePlusTanh', undefined, 'logSigmoid'],
  },
  {
    name: 'a projection of few rows',
    rows: [2, 1],
    n: 500,
    m: [65, 0, 130],
    activations: [undefined, undefined, 'onePlusTanh'],
  },
  {
    name: 'a length that is not whole vectors',
    kind: 'layer',
    rows: [3],
    n: 63,
    m: [17],
    biases: [true],
    activations: ['gelu'],
  },
  { name: 'without weights of the norm', rows: [2], n: 12, m: [9, 9], plain: true },
  { name: 'without weights of the norm, centred', kind: 'layer', rows: [2], n: 12, m: [9], plain: true },
  { name: 'far from 0', kind: 'layer', rows: [2], n: 32, m: [9], shift: 1000 },
  { name: 'large numbers', rows: [2], n: 32, m: [9, 4], scale: 1e18, activations: [undefined, 'gelu'] },
  { name: 'squares beyond the range', rows: [2], n: 32, m: [9], scale: 1e25 },
  { name: 'small numbers', rows: [2], n: 32, m: [9], scale: 1e-20 },
  {
    name: 'activations that saturate',
    rows: [1],
    n: 8,
    m: [40, 40, 40],
    activations: ['gelu', 'logSigmoid', 'onePlusTanh'],
    scale: 1,
    shift: 3,
  },
  { name: 'no rows', rows: [0], n: 8, m: [3, 4] },
];

function mapCases({
  name,
  kind = 'rms',
  rows,
  n,
  m,
  biases = [],
  activations = [],
  plain,
  scale = 1,
  shift = 0,
}: Maps): KernelCase[] {
  const there = m.flatMap((size, i) => (size > 0 ? [[i, size] as const] : []));
  const steep = name.includes('saturate') ? 40 : 1;
  const shared = (inputs: Inputs): CaseArguments => ({
    kind,
    x: inputs.replace(inputs.normal([...rows, n], scale), (_, x) => x + shift),
    normWeight: plain ? undefined : inputs.uniform([n], 0.5, 1.5),
    normBias: kind === 'layer' && !plain ? inputs.normal([n]) : undefined,
    eps: 1e-5,
    ...Object.fromEntries(
      there.flatMap(([i, size]): [string, CaseArgument][] => [
        [`weight${i}`, inputs.normal([size, n], steep / Math.sqrt(n))],
        [`bias${i}`, biases[i] ? inputs.normal([size]) : undefined],
        [`activation${i}`, activations[i]],
      ]),
    ),
  });
  const taken = shift ? ['x'] : [];
  // What an activation leaves of large negative numbers is next to nothing.
  const floor = Object.fromEntries(activations.map((_, i) => [`y${i}`, 1]));
  const absent = [0, 1, 2, 3, 4].filter((i) => !m[i]);
  const without = [
    ...(plain ? ['dnormWeight', 'dnormBias'] : kind === 'layer' ? [] : ['dnormBias']),
    ...[0, 1, 2, 3, 4].flatMap((i) => (biases[i] && m[i] ? [] : [`dbias${i}`])),
    ...absent.map((i) => `dweight${i}`),
  ];
  return [
    { kernel: 'normLinear', name, taken, floor, make: shared, without: absent.map((i) => `y${i}`) },
    {
      ...{ kernel: 'normLinearBackward', name, taken, without },
      make: (inputs) => ({
        ...shared(inputs),
        ...Object.fromEntries(there.map(([i, size]) => [`dy${i}`, inputs.normal([...rows, size])])),
      }),
    },
  ];
}

interface Turned {
  readonly name: string;
  readonly B?: number;
  readonly T: number;
  readonly S: number;
  readonly H?: number;
  readonly G?: number;
  readonly half?: number;
  readonly e?: number;
  readonly beta?: 'head' | 'pair';
  readonly tail?: boolean;
  readonly gates?: 'scalar' | 'vector';
  readonly offset: readonly number[];
  /** Whether the phase is moved on in a tensor of its own. */
  readonly apart?: boolean;
}

const turned: readonly Turned[] = [
  { name: 'one token', T: 1, S: 1, offset: [0] },
  {
    name: 'usual gates, grouped heads',
    B: 2,
    T: 1,
    S: 7,
    H: 6,
    G: 2,
    half: 5,
    e: 3,
    beta: 'head',
    tail: true,
    gates: 'scalar',
    offset: [3, 6],
  },
  {
    name: 'β per pair, vector gates',
    B: 2,
    T: 1,
    S: 5,
    H: 2,
    G: 2,
    half: 2,
    beta: 'pair',
    gates: 'vector',
    offset: [4, 0],
  },
  { name: 'without β or gates', T: 1, S: 64, H: 4, G: 4, half: 8, e: 40, tail: true, offset: [63] },
  { name: 'a phase of its own', B: 2, T: 1, S: 5, H: 2, half: 3, beta: 'head', offset: [0, 1], apart: true },
  {
    name: 'rows that rest, and no room',
    B: 4,
    T: 1,
    S: 6,
    beta: 'head',
    gates: 'scalar',
    offset: [-1, 6, -(2 ** 31), 5],
  },
  {
    name: 'several tokens',
    B: 2,
    T: 5,
    S: 9,
    H: 3,
    G: 3,
    half: 2,
    e: 3,
    beta: 'head',
    gates: 'scalar',
    offset: [4, 1],
  },
  { name: 'no tokens', B: 2, T: 0, S: 6, beta: 'head', offset: [0, 3] },
];

function turnedCase({
  name,
  B = 1,
  T,
  S,
  H = 1,
  G = 1,
  half = 2,
  e = 4,
  beta,
  tail,
  gates,
  offset,
  apart,
}: Turned): KernelCase {
  const width = gates === 'vector' ? [2 * half] : [];
  return {
    ...{ kernel: 'rotaryAppend', name, alias: apart ? undefined : { last: 'resume' } },
    make(inputs) {
      const planes = inputs.uniform([2, B, G, half], -0.5, 0.5);
      return {
        q: inputs.normal([B, T, H, 2 * half]),
        k: inputs.normal([B, T, G, 2 * half]),
        v: inputs.normal([B, T, G, e]),
        logGate: gates && tempers.usual(inputs, [B, T, G, ...width]),
        beta: beta && inputs.uniform(beta === 'head' ? [B, T, G] : [B, T, G, half], 0, 2),
        theta: inputs.of([G, half], (i) => (2 * Math.PI) / 1024 ** ((i % half) / half)),
        thetaTail: tail ? inputs.normal([G, half], 1e-9) : undefined,
        resume: inputs.replace(planes, (i, x) => (i < B * G * half ? x : x * 2 ** -25)),
        offset: inputs.list([B], offset),
        keys: inputs.normal([B, S, G, 2 * half]),
        values: inputs.normal([B, S, G, e]),
        logGates: gates && inputs.normal([B, S, G, ...width]),
      };
    },
    without: gates ? undefined : ['logGates'],
  };
}

export const projections: readonly KernelCase[] = [...maps.flatMap(mapCases), ...turned.map(turnedCase)];
