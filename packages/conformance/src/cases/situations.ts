/** The situations in which the kernels of the power recurrence are tried, and the tensors that belong to each. */

import type { Normalizer, Shape } from '@sympow/kernels';
import type { Numbers } from '../api';
import type { Inputs } from '../inputs';
import { gateSums, tempers, type Temper } from './gates';
import { poisoned, type Poison } from './poison';

/** Sizes of the power recurrence and what is special about them; B, G, d and e are small unless said otherwise, H is G. */
export interface Situation {
  readonly name: string;
  readonly B?: number;
  readonly T: number;
  readonly H?: number;
  readonly G?: number;
  readonly d?: number;
  readonly e?: number;
  readonly power: number;
  readonly chunk: number;
  readonly gates?: Temper;
  /** One gate per key dimension instead of one per token. */
  readonly vector?: boolean;
  readonly normalizer?: Normalizer;
  /** No state before the first token. */
  readonly fresh?: boolean;
  /** Scales of queries and keys. */
  readonly queryScale?: number;
  readonly keyScale?: number;
  readonly equalKeys?: boolean;
  readonly poison?: Poison;
}

export const situations: readonly Situation[] = [
  { name: 'one token', T: 1, power: 2, chunk: 1 },
  { name: 'one token of one number', T: 1, d: 1, e: 1, power: 2, chunk: 3, gates: 'usual' },
  { name: 'two tokens, longer chunk', T: 2, power: 2, chunk: 5, gates: 'usual' },
  { name: '17 tokens by 5, grouped heads', B: 2, T: 17, H: 6, G: 2, d: 5, e: 3, power: 2, chunk: 5, gates: 'usual' },
  { name: '63 tokens by 16 without gates', B: 2, T: 63, H: 2, G: 2, d: 7, e: 17, power: 2, chunk: 16 },
  { name: '65 tokens by 64', T: 65, H: 2, d: 8, e: 9, power: 2, chunk: 64, gates: 'usual' },
  { name: '65 tokens by 1', T: 65, d: 3, e: 2, power: 2, chunk: 1, gates: 'usual' },
  { name: '500 tokens by 63', T: 500, d: 8, e: 8, power: 2, chunk: 63, gates: 'usual' },
  { name: '130 tokens in one chunk', T: 130, H: 2, d: 8, e: 5, power: 2, chunk: 200, gates: 'usual', fresh: true },
  { name: '300 tokens in one chunk', T: 300, H: 2, G: 1, d: 7, e: 20, power: 2, chunk: 300, gates: 'usual' },
  {
    name: '150 tokens in one chunk, vector gates',
    T: 150,
    d: 5,
    e: 6,
    power: 2,
    chunk: 150,
    gates: 'usual',
    vector: true,
  },
  { name: 'd = 64', T: 33, d: 64, e: 17, power: 2, chunk: 32, gates: 'usual' },
  { name: 'p = 1', T: 17, H: 2, power: 1, chunk: 5, gates: 'usual', normalizer: 'none' },
  { name: 'p = 2, no normalizer', T: 17, H: 2, power: 2, chunk: 5, gates: 'usual', normalizer: 'none' },
  { name: 'p = 3', B: 2, T: 17, power: 3, chunk: 6, gates: 'usual', normalizer: 'none' },
  { name: 'p = 4', B: 2, T: 17, H: 4, G: 2, d: 3, power: 4, chunk: 5, gates: 'usual' },
  { name: 'p = 4, 65 tokens', T: 65, d: 5, e: 6, power: 4, chunk: 16 },
  { name: 'p = 1, vector gates', T: 17, H: 2, power: 1, chunk: 5, gates: 'usual', vector: true, normalizer: 'none' },
  { name: 'p = 2, vector gates', B: 2, T: 63, H: 4, G: 2, d: 5, power: 2, chunk: 16, gates: 'usual', vector: true },
  { name: 'p = 3, vector gates', T: 17, power: 3, chunk: 5, gates: 'usual', vector: true, normalizer: 'none' },
  { name: 'vector gates of one number', T: 17, d: 1, power: 2, chunk: 5, gates: 'usual', vector: true },
  { name: 'p = 4, vector gates', T: 17, d: 3, power: 4, chunk: 7, gates: 'usual', vector: true },
  { name: 'gates of 1', T: 17, power: 2, chunk: 5, gates: 'one' },
  { name: 'gates of 0', T: 17, power: 2, chunk: 5, gates: 'zero' },
  { name: 'resets', B: 2, T: 63, H: 2, power: 2, chunk: 8, gates: 'resets' },
  { name: 'vector resets', T: 63, power: 2, chunk: 8, gates: 'uneven', vector: true },
  { name: 'gates at the threshold', T: 65, power: 2, chunk: 16, gates: 'threshold' },
  { name: 'p = 4, gates at the threshold', T: 65, d: 3, power: 4, chunk: 16, gates: 'threshold' },
  { name: 'steep gates', T: 130, power: 2, chunk: 128, gates: 'steep' },
  { name: 'steep vector gates', T: 65, power: 2, chunk: 64, gates: 'steep', vector: true },
  { name: 'uneven heads', T: 17, H: 5, G: 5, power: 2, chunk: 8, gates: 'uneven' },
  { name: 'all keys equal', T: 17, power: 2, chunk: 5, gates: 'usual', equalKeys: true },
  { name: 'zero keys', T: 17, power: 2, chunk: 5, gates: 'usual', keyScale: 0 },
  { name: 'zero keys and no state', T: 17, power: 2, chunk: 17, keyScale: 0, fresh: true },
  { name: 'zero queries', T: 17, power: 2, chunk: 5, gates: 'usual', queryScale: 0 },
  { name: 'p = 4, huge norms', T: 17, d: 3, power: 4, chunk: 5, gates: 'usual', queryScale: 1e6, keyScale: 1e6 },
  { name: 'p = 4, tiny norms', T: 17, d: 3, power: 4, chunk: 5, gates: 'usual', queryScale: 1e-6, keyScale: 1e-6 },
  { name: 'huge queries, tiny keys', T: 17, power: 2, chunk: 5, gates: 'usual', queryScale: 1e6, keyScale: 1e-6 },
  { name: 'no tokens', T: 0, power: 2, chunk: 4, gates: 'usual' },
];

/** The tensors of a situation, each made the first time it is asked for; always in the same order. */
export class Scene {
  readonly q: Numbers;
  readonly k: Numbers;
  readonly v: Numbers;
  readonly logGate: Numbers | undefined;
  readonly gates: { A: Numbers; start: Numbers } | undefined;
  readonly options: { power: number; chunk: number };
  readonly normalizer: Normalizer;

  constructor(
    private readonly inputs: Inputs,
    private readonly situation: Situation,
  ) {
    const { B = 1, T, G = 1, H = G, d = 4, e = 4, power, chunk, gates, vector, normalizer = 'sum' } = situation;
    const { queryScale = 1 } = situation;
    this.options = { power, chunk };
    this.normalizer = normalizer;
    this.q = poisoned(inputs, inputs.normal([B, T, H, d], queryScale), situation.poison, 'q');
    this.k = poisoned(inputs, this.keys(T), situation.poison, 'k');
    this.v = poisoned(inputs, inputs.normal([B, T, G, e]), situation.poison, 'v');
    const logGate = gates && tempers[gates](inputs, vector ? [B, T, G, d] : [B, T, G], chunk);
    this.logGate = logGate && poisoned(inputs, logGate, situation.poison, 'gates');
    this.gates = this.logGate && gateSums(inputs, this.logGate, chunk);
  }

  /** S0 and Z0: a state as 40 keys would leave it, so that its sums over D are as well conditioned as in use. */
  initial(): { S0?: Numbers; Z0?: Numbers } {
    const { B = 1, G = 1, d = 4, e = 4, fresh = false } = this.situation;
    if (fresh) return {};
    const { power } = this.options;
    const k = this.inputs.normal([B, 40, G, d], this.situation.keyScale || 1);
    const v = this.inputs.normal([B, 40, G, e]);
    const { deltaS, deltaZ } = this.inputs.define('updateState', { k, v, power, chunk: 40 });
    const [D, S, Z] = [deltaZ!.shape[3]!, deltaS!, deltaZ!];
    return { S0: { ...S, shape: [B, G, D, e] }, Z0: { ...Z, shape: [B, G, D] } };
  }

  /** A gradient [B, T, …] of an output, or [B, n, …] of the states. */
  gradient(shape: Shape): Numbers {
    const { T, chunk, poison } = this.situation;
    const rows = shape[1] === T ? 1 : chunk;
    return poisoned(this.inputs, this.inputs.normal(shape), poison, 'gradients', rows);
  }

  deltas(): Record<string, Numbers> {
    const { k, v, gates, options } = this;
    return this.inputs.define('updateState', { k, v, gates, ...options });
  }

  /** S and Z before each chunk. */
  states(): { S: Numbers; Z: Numbers } {
    const args = { ...this.deltas(), ...this.initial(), gates: this.gates, length: this.situation.T, ...this.options };
    const { S, Z } = this.inputs.define('discountedSum', args);
    return { S: S!, Z: Z! };
  }

  /** num, den and rowMax. */
  inside(): Record<string, Numbers> {
    const { q, k, v, gates, options } = this;
    return this.inputs.define('powerAttention', { q, k, v, gates, ...options });
  }

  private keys(T: number): Numbers {
    const { B = 1, G = 1, d = 4, keyScale = 1, equalKeys = false } = this.situation;
    const key = this.inputs.normal([d]);
    const keys = this.inputs.normal([B, T, G, d], keyScale);
    return equalKeys ? this.inputs.replace(keys, (i) => key.data[i % d]!) : keys;
  }
}
