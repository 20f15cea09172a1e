/** Softmax attention: causal, with a prefix of keys, with gates, with heads that share keys. */

import type { KernelCase } from '../kernelCase';
import type { CaseArguments, Numbers } from '../api';
import type { Inputs } from '../inputs';
import { gateSums, tempers, type Temper } from './gates';
import { poisoned, type Poison } from './poison';

interface Attention {
  readonly name: string;
  readonly B?: number;
  readonly T: number;
  /** Keys; T unless said otherwise. */
  readonly S?: number;
  readonly H?: number;
  readonly G?: number;
  readonly d?: number;
  readonly e?: number;
  /** Of each row of the batch. */
  readonly offset?: readonly number[];
  /** W */
  readonly window?: number;
  readonly gates?: Temper;
  /** Gates by channel, and with `added` one more for the score. */
  readonly channels?: 'alone' | 'added';
  /** Scale of queries and keys. */
  readonly scale?: number;
  readonly equalKeys?: boolean;
  /** Size of what cancels in the gradients. */
  readonly floor?: number;
  readonly poison?: Poison;
}

const table: readonly Attention[] = [
  // With one key its weight is 1 whatever the query is: the gradients are differences of equal numbers.
  { name: 'one token', T: 1, floor: 1 },
  { name: 'two tokens', T: 2 },
  { name: '17 tokens, grouped heads', B: 2, T: 17, H: 6, G: 2, d: 5, e: 3 },
  { name: '63 tokens', T: 63, d: 16, e: 17 },
  { name: '65 tokens, one value', B: 2, T: 65, H: 3, G: 3, d: 2, e: 1 },
  { name: '500 tokens', T: 500, d: 8, e: 8 },
  { name: 'keys before the queries', B: 2, T: 3, S: 20, H: 4, G: 2 },
  { name: 'one query, 65 keys', T: 1, S: 65, H: 2, G: 1 },
  { name: 'keys after the queries are not read', T: 5, S: 17, offset: [7] },
  { name: 'queries at the start', T: 3, S: 9, offset: [0] },
  { name: 'rows at places of their own', B: 4, T: 3, S: 70, H: 4, G: 2, offset: [0, 1, 17, 66], gates: 'usual' },
  { name: 'one query a row, rows of different length', B: 3, T: 1, S: 300, H: 2, offset: [299, 0, 256] },
  { name: 'a tile of queries a row, rows of different length', B: 2, T: 70, S: 200, d: 8, e: 8, offset: [3, 100] },
  // Taken as the nearer end: nothing outside the row is read.
  { name: 'places outside the keys', B: 4, T: 3, S: 9, offset: [-1, 7, 2 ** 31 - 1, -(2 ** 31)] },
  { name: 'places outside the keys, many queries', B: 2, T: 40, S: 50, gates: 'usual', offset: [-7, 11] },
  { name: 'a window of one', T: 17, window: 1, floor: 1 },
  { name: 'a window of two', B: 2, T: 65, H: 2, window: 2 },
  { name: 'a window shorter than a block', B: 2, T: 150, H: 4, G: 2, d: 5, e: 3, window: 33 },
  { name: 'a window longer than a block', T: 330, d: 8, e: 17, window: 100 },
  { name: 'a window as long as all', T: 65, window: 65 },
  { name: 'a window longer than all', T: 17, window: 2 ** 40 },
  { name: 'a window and gates', B: 2, T: 150, H: 4, G: 2, gates: 'usual', window: 40 },
  { name: 'a window and resets', T: 200, H: 2, G: 2, gates: 'resets', window: 50 },
  { name: 'one query a row, with a window', B: 3, T: 1, S: 300, offset: [299, 0, 256], gates: 'usual', window: 64 },
  { name: 'few queries with a window', B: 2, T: 5, S: 600, H: 2, offset: [500, 3], window: 300 },
  { name: 'a window over keys before the queries', B: 2, T: 70, S: 200, offset: [3, 100], window: 48 },
  { name: 'usual gates', B: 2, T: 65, H: 4, G: 2, gates: 'usual' },
  { name: 'gates of 1', T: 17, gates: 'one' },
  { name: 'gates of 0', T: 17, gates: 'zero', floor: 1 },
  { name: 'resets', T: 63, H: 2, G: 2, gates: 'resets' },
  { name: 'gates at the threshold', T: 65, gates: 'threshold' },
  { name: 'steep gates', T: 65, gates: 'steep' },
  { name: 'gates and keys before the queries', T: 5, S: 66, H: 2, gates: 'usual' },
  { name: 'large scores', T: 65, d: 16, scale: 6, floor: 1 },
  { name: 'tiny scores', T: 17, scale: 1e-6 },
  // The weights' gradients add up to 0, and so do those of the query.
  { name: 'all keys equal', T: 17, equalKeys: true, floor: 1 },
  { name: 'zero keys and queries', T: 17, scale: 0 },
  { name: 'no queries', T: 0, S: 5 },
  {
    name: 'NaN in documents',
    ...{ B: 2, T: 150, H: 4, G: 2, d: 5, e: 3, gates: 'documents' },
    poison: { value: NaN, tokens: [12, 50, 120], of: ['q', 'k', 'v', 'gates', 'gradients'] },
  },
  {
    name: 'infinities in documents',
    ...{ T: 300, d: 8, e: 17, gates: 'documents' },
    poison: { value: Infinity, tokens: [12, 50, 280], of: ['q', 'k', 'v', 'gradients'] },
  },
  { name: 'an infinite last value', T: 40, floor: 1, poison: { value: Infinity, tokens: [39], of: ['v'] } },
  {
    name: 'NaN keys and values behind the queries',
    ...{ T: 150, H: 2, d: 8, e: 17 },
    poison: { value: NaN, tokens: [70, 140], of: ['k', 'v'] },
  },
  { name: 'NaN gradients of single rows', T: 150, poison: { value: NaN, tokens: [70, 140], of: ['q', 'gradients'] } },
  {
    name: 'few queries after NaN in a document',
    ...{ T: 3, S: 66, H: 2, G: 1, gates: 'documents' },
    poison: { value: NaN, tokens: [30, 50], of: ['k', 'v'] },
  },
];

const channelled: readonly Attention[] = [
  { name: 'one token, gates by channel', T: 1, floor: 1, channels: 'alone', gates: 'usual' },
  { name: 'gates by channel, grouped heads', B: 2, T: 65, H: 4, G: 2, d: 5, e: 3, channels: 'alone', gates: 'usual' },
  {
    name: 'gates by channel and one for the score',
    B: 2,
    T: 70,
    H: 4,
    G: 2,
    d: 8,
    e: 8,
    channels: 'added',
    gates: 'usual',
  },
  { name: 'gates by channel of 1', T: 17, channels: 'added', gates: 'one' },
  { name: 'gates by channel of 0', T: 17, floor: 1, channels: 'alone', gates: 'zero' },
  { name: 'all gates of 0', T: 17, floor: 1, channels: 'added', gates: 'zero' },
  { name: 'resets of channels', T: 90, H: 2, G: 2, channels: 'alone', gates: 'resets' },
  { name: 'resets of all', T: 90, H: 2, G: 2, channels: 'added', gates: 'resets' },
  { name: 'channels at the threshold', T: 65, channels: 'alone', gates: 'threshold' },
  { name: 'steep channels over a long text', T: 300, d: 8, channels: 'alone', gates: 'steep' },
  { name: 'uneven channels', T: 70, d: 5, channels: 'added', gates: 'uneven', floor: 1 },
  { name: 'one channel', T: 33, d: 1, channels: 'alone', gates: 'usual' },
  { name: 'one channel and one for the score', T: 33, d: 1, channels: 'added', gates: 'usual' },
  { name: 'channels in a window', B: 2, T: 150, H: 2, d: 8, channels: 'added', gates: 'usual', window: 40 },
  {
    name: 'NaN in documents, gates by channel',
    ...{ B: 2, T: 150, H: 4, G: 2, d: 5, e: 3, channels: 'added', gates: 'documents' },
    poison: { value: NaN, tokens: [12, 50, 120], of: ['q', 'k', 'v', 'gates', 'gradients'] },
  },
];

/** Streams: without a backward. */
const channelStreams: readonly Attention[] = [
  {
    name: 'a query a row, gates by channel',
    B: 3,
    T: 1,
    S: 70,
    H: 2,
    offset: [69, 0, 33],
    channels: 'added',
    gates: 'usual',
  },
  {
    name: 'queries behind keys, gates by channel',
    B: 2,
    T: 20,
    S: 70,
    d: 8,
    offset: [3, 50],
    channels: 'alone',
    gates: 'steep',
  },
];

const windowed: readonly Attention[] = [
  {
    name: 'NaN behind a window',
    ...{ T: 200, H: 2, d: 8, e: 5, window: 30 },
    poison: { value: NaN, tokens: [0, 40, 100], of: ['k', 'v'] },
  },
  {
    name: 'infinities behind a long window',
    ...{ B: 2, T: 300, d: 4, e: 3, window: 100, gates: 'usual' },
    poison: { value: Infinity, tokens: [3, 90], of: ['k', 'v', 'gradients'] },
  },
  {
    name: 'a query whose window has left NaN',
    ...{ T: 1, S: 90, window: 30 },
    poison: { value: NaN, tokens: [3, 59], of: ['k', 'v'] },
  },
];

function prepare(
  inputs: Inputs,
  { B = 1, T, S = T, H = 1, G = 1, d = 4, e = 4, offset, window, gates, channels, ...a }: Attention,
): CaseArguments {
  const { scale = 1, equalKeys = false } = a;
  const key = inputs.normal([d], scale);
  const width = channels ? [channels === 'added' ? d + 1 : d] : [];
  const end = (b: number) => Math.max(0, Math.min(S - T, offset?.[b] ?? S)) + T;
  const unread = (token: number, x: number) => (token % S < end(Math.floor(token / S)) ? x : NaN);
  const wall = (numbers: Numbers, tensor: Poison['of'][number]) => poisoned(inputs, numbers, a.poison, tensor);
  const keys = inputs.replace(inputs.normal([B, S, G, d], scale), (i, x) =>
    unread(Math.floor(i / (G * d)), equalKeys ? key.data[i % d]! : x),
  );
  return {
    q: wall(inputs.normal([B, T, H, d], scale), 'q'),
    k: wall(keys, 'k'),
    v: wall(
      inputs.replace(inputs.normal([B, S, G, e]), (i, x) => unread(Math.floor(i / (G * e)), x)),
      'v',
    ),
    gates: gates && gateSums(inputs, wall(tempers[gates](inputs, [B, S, G, ...width], S), 'gates'), S),
    offset: offset && inputs.list([B], offset),
    window,
  };
}

const forward = (attention: Attention): KernelCase => ({
  kernel: 'softmaxAttention',
  name: attention.name,
  poisoned: attention.poison !== undefined,
  make: (inputs) => prepare(inputs, attention),
});

const backward = (attention: Attention): KernelCase => ({
  kernel: 'softmaxAttentionBackward',
  name: attention.name,
  poisoned: attention.poison !== undefined,
  floor: { dq: attention.floor ?? 0, dk: attention.floor ?? 0, dA: attention.floor ?? 0 },
  make: (inputs) => {
    const args = prepare(inputs, attention);
    const results = inputs.define('softmaxAttention', args);
    const dy = poisoned(inputs, inputs.normal(results.y!.shape), attention.poison, 'gradients');
    return { ...args, ...results, dy };
  },
});

export const softmaxAttention: readonly KernelCase[] = [
  ...[...table, ...windowed, ...channelled].flatMap((attention) => [forward(attention), backward(attention)]),
  ...channelStreams.map(forward),
];
