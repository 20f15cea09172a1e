/**
 * The arguments of every kernel as a table. The door is made from it (door.ts): every backend refuses the same calls with
 * the same errors. The conformance suite reads from it what a kernel reads and writes.
 *
 * A shape is written as in the doc comments: `B T G d`. A name stands for one size within a call, `[d]` for an axis that
 * may be missing, `…` for any number of leading axes (the same ones throughout a call). `D`, `n`, `half` and `2` are
 * computed: C(d+p−1, p), ⌈T/chunk⌉, d/2 and 2. `T` is the option `length` where there is one.
 */

import type { Kernels } from './api';

/** Tensors by argument name; `gates` stands for the two tensors of {@link GateSums}; a trailing `?` marks optional ones. */
export interface Signature {
  readonly reads: Readonly<Record<string, string>>;
  readonly writes: Readonly<Record<string, string>>;
  /** Arguments that are lists of tensors of any shape, all lists equally long and pairwise of one size. */
  readonly lists?: readonly string[];
  /** int32 arguments; all others hold floats. */
  readonly integers?: readonly string[];
  /** Arguments that may not be halves: gates, phases, states, statistics, losses, master weights and moments. */
  readonly wide?: readonly string[];
  /** Arguments of any element type. */
  readonly anyType?: readonly string[];
  /** Arguments that are numbers, by what they must be; a trailing `?` marks optional ones. */
  readonly options?: Readonly<Record<string, OptionRule>>;
}

/** What a number among the arguments must be. */
export interface OptionRule {
  holds(value: unknown): boolean;
  readonly expected: string;
}

const isWhole = (value: unknown, least: number) => Number.isSafeInteger(value) && (value as number) >= least;
const atLeast0: OptionRule = { holds: (x) => isWhole(x, 0), expected: 'a whole number of at least 0' };
const atLeast1: OptionRule = { holds: (x) => isWhole(x, 1), expected: 'a whole number of at least 1' };
const number: OptionRule = { holds: (x) => typeof x === 'number', expected: 'a number' };
const whole: OptionRule = { holds: (x) => Number.isSafeInteger(x), expected: 'a whole number' };
const finite: OptionRule = { holds: (x) => Number.isFinite(x), expected: 'a finite number' };
const small: OptionRule = {
  holds: (x) => Number.isFinite(x) && (x as number) >= 0,
  expected: 'a finite number of at least 0',
};
const clipping: OptionRule = {
  holds: (x) => typeof x === 'number' && x > 0,
  expected: 'a number above 0 (Infinity never clips)',
};
const normalizer: OptionRule = { holds: (x) => x === 'sum' || x === 'none', expected: 'sum or none' };

const rows = '… n';
const unary: Signature = { reads: { x: '…' }, writes: { y: '…' } };
const unaryBackward: Signature = { reads: { x: '…', dy: '…' }, writes: { dx: '…' } };
const norm: Signature = {
  reads: { x: rows, 'weight?': 'n', 'bias?': 'n' },
  writes: { y: rows },
  options: { eps: small },
};
const normBackward: Signature = {
  reads: { x: rows, 'weight?': 'n', dy: rows },
  writes: { dx: rows, 'dweight?': 'n', 'dbias?': 'n' },
  options: { eps: small },
};
const q = 'B T H d';
const k = 'B T G d';
const v = 'B T G e';
const perQuery = 'B T H';
const answer = 'B T H e';
const chunkS = 'B n G D e';
const chunkZ = 'B n G D';
const oneS = 'B G D e';
const oneZ = 'B G D';
const gate = 'B T G [d]';
const turns = 'B T G half';
const step = { q: 'B H d', k: 'B G d', v: 'B G e', 'logGate?': 'B G [d]' };

export const signatures = {
  fill: { reads: {}, writes: { y: '…' }, anyType: ['y'], options: { value: number } },
  cast: { reads: { x: '…' }, writes: { y: '…' }, anyType: ['x', 'y'] },
  copyBlock: {
    reads: { x: 'B X …' },
    writes: { y: 'B Y …' },
    anyType: ['x', 'y'],
    options: { 'from?': atLeast0, 'to?': atLeast0, count: atLeast0 },
  },
  add: { reads: { a: '…', b: '…' }, writes: { y: '…' }, options: { 'scale?': number } },
  multiply: { reads: { a: '…', b: '…' }, writes: { y: '…' } },
  broadcastRows: { reads: { x: 'n' }, writes: { y: rows } },
  sumRows: { reads: { x: rows }, writes: { y: 'n' }, options: { 'scale?': number } },
  gelu: unary,
  geluBackward: unaryBackward,
  swiglu: { reads: { gate: '…', up: '…' }, writes: { y: '…' } },
  swigluBackward: { reads: { gate: '…', up: '…', dy: '…' }, writes: { dgate: '…', dup: '…' } },
  logSigmoid: { ...unary, wide: ['y'] },
  logSigmoidBackward: { ...unaryBackward, wide: ['dy'] },
  onePlusTanh: { ...unary, wide: ['y'] },
  onePlusTanhBackward: { ...unaryBackward, wide: ['dy'] },
  // Axes depend on the transposes: doorRules.ts.
  matmul: { reads: { a: '*', b: '*', 'bias?': '*' }, writes: { y: '*' } },
  layerNorm: norm,
  layerNormBackward: normBackward,
  rmsNorm: norm,
  rmsNormBackward: normBackward,
  embed: { reads: { ids: '…', weight: 'V n' }, writes: { y: rows }, integers: ['ids'] },
  embedBackward: { reads: { ids: '…', dy: rows }, writes: { dweight: 'V n' }, integers: ['ids'] },
  crossEntropy: {
    reads: { logits: '… V', targets: '…' },
    writes: { loss: '…' },
    integers: ['targets'],
    wide: ['loss'],
  },
  crossEntropyBackward: {
    reads: { logits: '… V', targets: '…', dloss: '…' },
    writes: { dlogits: '… V' },
    integers: ['targets'],
    wide: ['dloss'],
  },
  softmaxAttention: {
    reads: { q, k: 'B S G d', v: 'B S G e', 'gates?': 'B S G', 'offset?': 'B' },
    writes: { y: answer, logSum: perQuery },
    integers: ['offset'],
    options: { 'window?': atLeast1 },
    wide: ['gates', 'logSum'],
  },
  softmaxAttentionBackward: {
    reads: {
      q,
      k: 'B S G d',
      v: 'B S G e',
      'gates?': 'B S G',
      'offset?': 'B',
      y: answer,
      logSum: perQuery,
      dy: answer,
    },
    writes: { dq: q, dk: 'B S G d', dv: 'B S G e', 'dA?': 'B S G' },
    integers: ['offset'],
    options: { 'window?': atLeast1 },
    wide: ['gates', 'logSum', 'dA'],
  },
  rotary: { reads: { x: q, turns }, writes: { y: q }, wide: ['turns'] },
  rotaryBackward: { reads: { x: q, turns, dy: q }, writes: { dx: q, dturns: turns }, wide: ['turns', 'dturns'] },
  phaseSum: {
    reads: {
      'beta?': 'B T G [half]',
      theta: 'G half',
      'thetaTail?': 'G half',
      'phase?': 'B G half',
      'resume?': '2 B G half',
    },
    writes: { turns, 'last?': '2 B G half' },
    wide: ['beta', 'theta', 'thetaTail', 'phase', 'resume', 'turns', 'last'],
  },
  phaseSumBackward: {
    reads: { 'beta?': 'B T G [half]', theta: 'G half', dturns: turns },
    writes: { 'dbeta?': 'B T G [half]', 'dtheta?': 'G half', 'dphase?': 'B G half' },
    wide: ['beta', 'theta', 'dturns', 'dbeta', 'dtheta', 'dphase'],
  },
  gateSum: {
    reads: { logGate: gate },
    writes: { A: '2 B T G [d]', start: gate },
    integers: ['start'],
    options: { chunk: atLeast1 },
    wide: ['logGate', 'A'],
  },
  gateSumBackward: {
    reads: { dA: gate, start: gate },
    writes: { dlogGate: gate },
    integers: ['start'],
    options: { chunk: atLeast1 },
    wide: ['dA', 'dlogGate'],
  },
  resetGates: { reads: { x: gate, reset: 'B T' }, writes: { y: gate }, integers: ['reset'], wide: ['x', 'y'] },
  keyScale: { reads: { k, 'Z?': oneZ }, writes: { scale: 'B G' }, options: { power: atLeast1 }, wide: ['Z', 'scale'] },
  scaleHeads: { reads: { x: k, scale: 'B G' }, writes: { y: k }, options: { times: whole }, wide: ['scale'] },
  updateState: {
    reads: { k, v, 'gates?': gate },
    writes: { deltaS: chunkS, deltaZ: chunkZ },
    options: { power: atLeast1, chunk: atLeast1 },
    wide: ['gates', 'deltaS', 'deltaZ'],
  },
  updateStateBackward: {
    reads: { k, v, 'gates?': gate, dDeltaS: chunkS, dDeltaZ: chunkZ },
    writes: { dk: k, dv: v, 'dA?': gate },
    options: { power: atLeast1, chunk: atLeast1 },
    wide: ['gates', 'dDeltaS', 'dDeltaZ', 'dA'],
  },
  discountedSum: {
    reads: { deltaS: chunkS, deltaZ: chunkZ, 'gates?': gate, 'S0?': oneS, 'Z0?': oneZ },
    writes: { S: chunkS, Z: chunkZ, SLast: oneS, ZLast: oneZ },
    options: { power: atLeast1, chunk: atLeast1, length: atLeast0 },
    wide: ['gates', 'deltaS', 'deltaZ', 'S0', 'Z0', 'S', 'Z', 'SLast', 'ZLast'],
  },
  discountedSumBackward: {
    reads: { 'gates?': gate, S: chunkS, Z: chunkZ, dS: chunkS, dZ: chunkZ, 'dSLast?': oneS, 'dZLast?': oneZ },
    writes: { dDeltaS: chunkS, dDeltaZ: chunkZ, 'dS0?': oneS, 'dZ0?': oneZ, 'dA?': gate },
    options: { power: atLeast1, chunk: atLeast1, length: atLeast0 },
    wide: ['gates', 'S', 'Z', 'dS', 'dZ', 'dSLast', 'dZLast', 'dDeltaS', 'dDeltaZ', 'dS0', 'dZ0', 'dA'],
  },
  powerAttention: {
    reads: { q, k, v, 'gates?': gate },
    writes: { num: answer, den: perQuery, rowMax: perQuery },
    options: { power: atLeast1, chunk: atLeast1 },
    wide: ['gates', 'num', 'den', 'rowMax'],
  },
  powerAttentionBackward: {
    reads: { q, k, v, 'gates?': gate, rowMax: perQuery, dnum: answer, dden: perQuery },
    writes: { dq: q, dk: k, dv: v, 'dA?': gate },
    options: { power: atLeast1, chunk: atLeast1 },
    wide: ['gates', 'rowMax', 'dnum', 'dden', 'dA'],
  },
  queryState: {
    reads: { q, 'gates?': gate, 'S?': chunkS, 'Z?': chunkZ, num: answer, den: perQuery, rowMax: perQuery },
    writes: { y: answer, total: perQuery },
    options: { power: atLeast1, chunk: atLeast1, normalizer },
    wide: ['gates', 'S', 'Z', 'num', 'den', 'rowMax', 'total'],
  },
  queryStateBackward: {
    reads: { q, 'gates?': gate, 'S?': chunkS, 'Z?': chunkZ, rowMax: perQuery, y: answer, total: perQuery, dy: answer },
    writes: { dnum: answer, dden: perQuery, 'dq?': q, 'dS?': chunkS, 'dZ?': chunkZ, 'dA?': gate },
    options: { power: atLeast1, chunk: atLeast1, normalizer },
    wide: ['gates', 'S', 'Z', 'rowMax', 'total', 'dnum', 'dden', 'dS', 'dZ', 'dA'],
  },
  stepState: {
    reads: { ...step, S: oneS, Z: oneZ },
    writes: { SNext: oneS, ZNext: oneZ, y: 'B H e' },
    options: { power: atLeast1, normalizer },
    wide: ['logGate', 'S', 'Z', 'SNext', 'ZNext'],
  },
  stepStateBackward: {
    reads: {
      ...step,
      S: oneS,
      Z: oneZ,
      SNext: oneS,
      ZNext: oneZ,
      y: 'B H e',
      dy: 'B H e',
      'dSNext?': oneS,
      'dZNext?': oneZ,
    },
    writes: { dq: 'B H d', dk: 'B G d', dv: 'B G e', 'dlogGate?': 'B G [d]', dS: oneS, dZ: oneZ },
    options: { power: atLeast1, normalizer },
    wide: ['logGate', 'S', 'Z', 'SNext', 'ZNext', 'dSNext', 'dZNext', 'dlogGate', 'dS', 'dZ'],
  },
  append: {
    reads: { k, v, 'logGate?': gate, offset: 'B' },
    writes: { keys: 'B S G d', values: 'B S G e', 'logGates?': 'B S G [d]', next: 'B' },
    integers: ['offset', 'next'],
    wide: ['logGate', 'keys', 'values', 'logGates'],
  },
  queryWindow: {
    reads: { q: 'B H d', k: 'B C G d', v: 'B C G e', 'logGate?': 'B C G [d]', count: 'B', S: oneS, Z: oneZ },
    writes: { y: 'B H e' },
    integers: ['count'],
    options: { power: atLeast1, normalizer },
    wide: ['logGate', 'S', 'Z'],
  },
  adamw: {
    reads: { squaredNorm: '1' },
    writes: {},
    lists: ['weights', 'grads', 'm', 'v'],
    options: { learningRate: finite, beta1: finite, beta2: finite, eps: small, step: atLeast1, clip: clipping },
    wide: ['weights', 'm', 'v', 'squaredNorm'],
  },
  squaredNorm: { reads: {}, writes: { y: '1' }, lists: ['xs'], wide: ['y'] },
} as const satisfies Record<keyof Kernels, Signature>;
