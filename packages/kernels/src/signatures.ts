/**
 * The shapes of every kernel's arguments as a table, and the door check made from it: every backend refuses the same
 * calls with the same errors, and the conformance suite reads what a kernel reads and writes from here.
 *
 * A shape is written as in the doc comments: `B T G d`. A name stands for one size within a call, `[d]` for an axis that
 * may be missing, `…` for any number of leading axes (the same ones throughout a call). `D`, `n`, `half` and `2` are
 * computed: C(d+p−1, p), ⌈T/chunk⌉, d/2 and 2. `T` is the option `length` where there is one.
 */

import { embeddedSize } from '@sympow/embedding';
import type { Backend, GateSums, Kernels, Tensor } from './api';
import { BackendError, ConfigError, ShapeError } from './errors';

/** Tensors by argument name; `gates` stands for the two tensors of {@link GateSums}; a trailing `?` marks optional ones. */
export interface Signature {
  readonly reads: Readonly<Record<string, string>>;
  readonly writes: Readonly<Record<string, string>>;
  /** Arguments that are lists of tensors of any shape, all lists equally long and pairwise of one size. */
  readonly lists?: readonly string[];
  /** int32 arguments; all others hold floats. */
  readonly integers?: readonly string[];
  /** Arguments of any element type. */
  readonly anyType?: readonly string[];
}

const rows = '… n';
const unary: Signature = { reads: { x: '…' }, writes: { y: '…' } };
const unaryBackward: Signature = { reads: { x: '…', dy: '…' }, writes: { dx: '…' } };
const norm: Signature = { reads: { x: rows, 'weight?': 'n', 'bias?': 'n' }, writes: { y: rows } };
const normBackward: Signature = {
  reads: { x: rows, 'weight?': 'n', dy: rows },
  writes: { dx: rows, 'dweight?': 'n', 'dbias?': 'n' },
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
  fill: { reads: {}, writes: { y: '…' }, anyType: ['y'] },
  cast: { reads: { x: '…' }, writes: { y: '…' }, anyType: ['x', 'y'] },
  copyBlock: { reads: { x: 'B X …' }, writes: { y: 'B Y …' }, anyType: ['x', 'y'] },
  add: { reads: { a: '…', b: '…' }, writes: { y: '…' } },
  multiply: { reads: { a: '…', b: '…' }, writes: { y: '…' } },
  broadcastRows: { reads: { x: 'n' }, writes: { y: rows } },
  sumRows: { reads: { x: rows }, writes: { y: 'n' } },
  gelu: unary,
  geluBackward: unaryBackward,
  swiglu: { reads: { gate: '…', up: '…' }, writes: { y: '…' } },
  swigluBackward: { reads: { gate: '…', up: '…', dy: '…' }, writes: { dgate: '…', dup: '…' } },
  logSigmoid: unary,
  logSigmoidBackward: unaryBackward,
  onePlusTanh: unary,
  onePlusTanhBackward: unaryBackward,
  // Axes depend on the transposes: checked by its rule below.
  matmul: { reads: { a: '*', b: '*', 'bias?': '*' }, writes: { y: '*' } },
  layerNorm: norm,
  layerNormBackward: normBackward,
  rmsNorm: norm,
  rmsNormBackward: normBackward,
  embed: { reads: { ids: '…', weight: 'V n' }, writes: { y: rows }, integers: ['ids'] },
  embedBackward: { reads: { ids: '…', dy: rows }, writes: { dweight: 'V n' }, integers: ['ids'] },
  crossEntropy: { reads: { logits: '… V', targets: '…' }, writes: { loss: '…' }, integers: ['targets'] },
  crossEntropyBackward: {
    reads: { logits: '… V', targets: '…', dloss: '…' },
    writes: { dlogits: '… V' },
    integers: ['targets'],
  },
  softmaxAttention: {
    reads: { q, k: 'B S G d', v: 'B S G e', 'gates?': 'B S G' },
    writes: { y: answer, logSum: perQuery },
  },
  softmaxAttentionBackward: {
    reads: { q, k: 'B S G d', v: 'B S G e', 'gates?': 'B S G', y: answer, logSum: perQuery, dy: answer },
    writes: { dq: q, dk: 'B S G d', dv: 'B S G e', 'dA?': 'B S G' },
  },
  rotary: { reads: { x: q, turns }, writes: { y: q } },
  rotaryBackward: { reads: { x: q, turns, dy: q }, writes: { dx: q, dturns: turns } },
  phaseSum: {
    reads: {
      'beta?': 'B T G [half]',
      theta: 'G half',
      'thetaTail?': 'G half',
      'phase?': 'B G half',
      'resume?': '2 B G half',
    },
    writes: { turns, 'last?': '2 B G half' },
  },
  phaseSumBackward: {
    reads: { 'beta?': 'B T G [half]', theta: 'G half', dturns: turns },
    writes: { 'dbeta?': 'B T G [half]', 'dtheta?': 'G half', 'dphase?': 'B G half' },
  },
  gateSum: { reads: { logGate: gate }, writes: { A: '2 B T G [d]', start: gate }, integers: ['start'] },
  gateSumBackward: { reads: { dA: gate, start: gate }, writes: { dlogGate: gate }, integers: ['start'] },
  resetGates: { reads: { x: gate, reset: 'B T' }, writes: { y: gate }, integers: ['reset'] },
  updateState: { reads: { k, v, 'gates?': gate }, writes: { deltaS: chunkS, deltaZ: chunkZ } },
  updateStateBackward: {
    reads: { k, v, 'gates?': gate, dDeltaS: chunkS, dDeltaZ: chunkZ },
    writes: { dk: k, dv: v, 'dA?': gate },
  },
  discountedSum: {
    reads: { deltaS: chunkS, deltaZ: chunkZ, 'gates?': gate, 'S0?': oneS, 'Z0?': oneZ },
    writes: { S: chunkS, Z: chunkZ, SLast: oneS, ZLast: oneZ },
  },
  discountedSumBackward: {
    reads: { 'gates?': gate, S: chunkS, Z: chunkZ, dS: chunkS, dZ: chunkZ, 'dSLast?': oneS, 'dZLast?': oneZ },
    writes: { dDeltaS: chunkS, dDeltaZ: chunkZ, 'dS0?': oneS, 'dZ0?': oneZ, 'dA?': gate },
  },
  powerAttention: { reads: { q, k, v, 'gates?': gate }, writes: { num: answer, den: perQuery, rowMax: perQuery } },
  powerAttentionBackward: {
    reads: { q, k, v, 'gates?': gate, rowMax: perQuery, dnum: answer, dden: perQuery },
    writes: { dq: q, dk: k, dv: v, 'dA?': gate },
  },
  queryState: {
    reads: { q, 'gates?': gate, 'S?': chunkS, 'Z?': chunkZ, num: answer, den: perQuery, rowMax: perQuery },
    writes: { y: answer, total: perQuery },
  },
  queryStateBackward: {
    reads: { q, 'gates?': gate, 'S?': chunkS, 'Z?': chunkZ, rowMax: perQuery, y: answer, total: perQuery, dy: answer },
    writes: { dnum: answer, dden: perQuery, 'dq?': q, 'dS?': chunkS, 'dZ?': chunkZ, 'dA?': gate },
  },
  stepState: { reads: { ...step, S: oneS, Z: oneZ }, writes: { SNext: oneS, ZNext: oneZ, y: 'B H e' } },
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
  },
  queryWindow: {
    reads: { q: 'B H d', k: 'B C G d', v: 'B C G e', 'logGate?': 'B C G [d]', S: oneS, Z: oneZ },
    writes: { y: 'B H e' },
  },
  adamw: { reads: { squaredNorm: '1' }, writes: {}, lists: ['weights', 'grads', 'm', 'v'] },
  squaredNorm: { reads: {}, writes: { y: '1' }, lists: ['xs'] },
} as const satisfies Record<keyof Kernels, Signature>;

/** The arguments that a kernel takes beside tensors, each with what it must be. */
const optionRules: Record<string, { holds: (value: number) => boolean; expected: string }> = {
  power: { holds: (x) => Number.isSafeInteger(x) && x >= 1, expected: 'a whole number of at least 1' },
  chunk: { holds: (x) => Number.isSafeInteger(x) && x >= 1, expected: 'a whole number of at least 1' },
  length: { holds: (x) => Number.isSafeInteger(x) && x >= 0, expected: 'a whole number of at least 0' },
  count: { holds: (x) => Number.isSafeInteger(x) && x >= 0, expected: 'a whole number of at least 0' },
  from: { holds: (x) => Number.isSafeInteger(x) && x >= 0, expected: 'a whole number of at least 0' },
  to: { holds: (x) => Number.isSafeInteger(x) && x >= 0, expected: 'a whole number of at least 0' },
  offset: { holds: (x) => Number.isSafeInteger(x) && x >= 0, expected: 'a whole number of at least 0' },
  step: { holds: (x) => Number.isSafeInteger(x) && x >= 1, expected: 'a whole number of at least 1' },
  eps: { holds: (x) => x >= 0 && x < Infinity, expected: 'a finite number of at least 0' },
  clip: { holds: (x) => x > 0, expected: 'a number above 0 (Infinity never clips)' },
};

type Arguments = Record<string, unknown>;
type Sizes = Map<string, number>;

interface PlannedTensor {
  readonly name: string;
  readonly optional: boolean;
  readonly axes: readonly string[];
  readonly type: 'float' | 'int32' | 'any';
}

interface Plan {
  readonly kernel: string;
  readonly tensors: readonly PlannedTensor[];
  readonly lists: readonly string[];
}

function plan(kernel: string, signature: Signature): Plan {
  const tensors = Object.entries({ ...signature.reads, ...signature.writes }).flatMap(
    ([key, axes]): PlannedTensor[] => {
      const optional = key.endsWith('?');
      const name = optional ? key.slice(0, -1) : key;
      const type = signature.anyType?.includes(name) ? 'any' : signature.integers?.includes(name) ? 'int32' : 'float';
      if (name !== 'gates') return [{ name, optional, axes: axes.split(' '), type }];
      return [
        { name: 'gates.A', optional, axes: ['2', ...axes.split(' ')], type: 'float' },
        { name: 'gates.start', optional, axes: axes.split(' '), type: 'int32' },
      ];
    },
  );
  return { kernel, tensors, lists: signature.lists ?? [] };
}

function argument(args: Arguments, name: string): unknown {
  if (!name.startsWith('gates.')) return args[name];
  const gates = args.gates as GateSums | undefined;
  return gates && (name === 'gates.A' ? gates.A : gates.start);
}

/** Sizes that follow from others. */
function computed(name: string, args: Arguments, sizes: Sizes): number | undefined {
  if (name === '2' || name === '1') return Number(name);
  const d = sizes.get('d');
  if (name === 'T') return args.length as number | undefined;
  const T = (args.length as number | undefined) ?? sizes.get('T');
  if (name === 'half' && d !== undefined) return d / 2;
  if (name === 'D' && d !== undefined && args.power !== undefined) return embeddedSize(d, args.power as number);
  if (name === 'n' && T !== undefined && args.chunk !== undefined) return Math.ceil(T / (args.chunk as number));
  return undefined;
}

/** Binds one tensor's axes to the sizes of the call; returns a complaint when they disagree. */
function bind(
  shape: readonly number[],
  axes: readonly string[],
  args: Arguments,
  sizes: Sizes,
  any: Map<string, readonly number[]>,
): string | undefined {
  const rest = axes.indexOf('…');
  const optional = axes.at(-1)?.startsWith('[') ? 1 : 0;
  let names = axes.map((axis) => axis.replace(/[[\]]/g, ''));
  if (rest >= 0) {
    const free = shape.length - (axes.length - 1);
    if (free < 0) return `at least ${axes.length - 1} axes`;
    const bound = any.get('…');
    const found = shape.slice(rest, rest + free);
    if (bound && (bound.length !== found.length || bound.some((size, i) => size !== found[i]))) {
      return `[${names.join(' ')}] with … = [${bound.join(', ')}]`;
    }
    any.set('…', found);
    names = [...names.slice(0, rest), ...found.map(() => ''), ...names.slice(rest + 1)];
  } else if (optional && shape.length === axes.length - 1) {
    names.pop();
  }
  if (names.length !== shape.length) return `${names.length} axes [${axes.join(' ')}]`;
  for (const [i, name] of names.entries()) {
    if (name === '') continue;
    const size = sizes.get(name) ?? computed(name, args, sizes);
    if (size === undefined) sizes.set(name, shape[i]!);
    else if (size !== shape[i]) return `[${axes.join(' ')}] with ${name} = ${size}`;
  }
  return undefined;
}

function isTensor(value: unknown): value is Tensor {
  return typeof value === 'object' && value !== null && 'shape' in value && 'dtype' in value && 'handle' in value;
}

function checkTensor(
  kernel: string,
  name: string,
  value: unknown,
  type: PlannedTensor['type'],
  backend: Backend,
): asserts value is Tensor {
  if (!isTensor(value)) {
    throw new ShapeError({ what: `${kernel}: ${name}`, value, expected: 'a tensor' });
  }
  if (value.disposed) {
    throw new BackendError({
      what: `${kernel}: ${name}`,
      value: `[${value.shape.join(', ')}], disposed`,
      expected: 'a live tensor',
      remedy: 'Keep it beyond its scope.',
    });
  }
  if (value.backend !== backend) {
    throw new BackendError({
      what: `${kernel}: ${name}`,
      value: `a tensor of backend ${value.backend.name}`,
      expected: `one of this ${backend.name} backend`,
      remedy: 'Read it there and upload it here.',
    });
  }
  if (type !== 'any' && (type === 'int32') !== (value.dtype === 'int32')) {
    throw new ShapeError({
      what: `${kernel}: dtype of ${name}`,
      value: value.dtype,
      expected: type === 'int32' ? 'int32' : 'float32 or float64',
    });
  }
}

function check({ kernel, tensors, lists }: Plan, args: Arguments, backend: Backend): void {
  for (const [name, value] of Object.entries(args)) {
    const rule = optionRules[name];
    if (rule && value !== undefined && !isTensor(value) && !(typeof value === 'number' && rule.holds(value))) {
      throw new ConfigError({ what: `${kernel}: ${name}`, value, expected: rule.expected });
    }
  }
  if (args.normalizer !== undefined) checkNormalizer(kernel, args);
  const sizes: Sizes = new Map();
  const any = new Map<string, readonly number[]>();
  for (const { name, optional, axes, type } of tensors) {
    const value = argument(args, name);
    if (value === undefined && optional) continue;
    checkTensor(kernel, name, value, type, backend);
    if (axes[0] === '*') continue;
    const complaint = bind(value.shape, axes, args, sizes, any);
    if (complaint)
      throw new ShapeError({
        what: `${kernel}: shape of ${name}`,
        value: value.shape,
        expected: complaint,
      });
  }
  const [H, G, d, D] = [sizes.get('H'), sizes.get('G'), sizes.get('d'), sizes.get('D')];
  if (H !== undefined && G !== undefined && (G === 0 || H % G !== 0)) {
    throw new ShapeError({
      what: `${kernel}: query heads`,
      value: H,
      expected: `a multiple of the ${G} key/value heads`,
    });
  }
  // Where a state comes before the gates that say what d is.
  if (D !== undefined && d !== undefined && D !== embeddedSize(d, args.power as number)) {
    throw new ShapeError({
      what: `${kernel}: embedded size`,
      value: D,
      expected: `${embeddedSize(d, args.power as number)} for d = ${d}`,
    });
  }
  checkLists(kernel, lists, args, backend);
  rules[kernel]?.(args, sizes);
}

function checkNormalizer(kernel: string, { normalizer, power }: Arguments): void {
  if (normalizer !== 'sum' && normalizer !== 'none') {
    throw new ConfigError({ what: `${kernel}: normalizer`, value: normalizer, expected: 'sum or none' });
  }
  if (normalizer === 'sum' && (power as number) % 2 !== 0) {
    throw new ConfigError({
      what: `${kernel}: power`,
      value: power,
      expected: 'an even number with normalizer sum, whose scores must not be negative',
      remedy: 'Use an even power, or normalizer none.',
    });
  }
}

function checkLists(kernel: string, lists: readonly string[], args: Arguments, backend: Backend): void {
  const first = args[lists[0] ?? ''] as readonly Tensor[] | undefined;
  for (const list of lists) {
    const tensors = args[list] as readonly Tensor[];
    if (tensors.length !== first?.length) {
      throw new ShapeError({
        what: `${kernel}: length of ${list}`,
        value: tensors.length,
        expected: `${first?.length} tensors as in ${lists[0]}`,
      });
    }
    tensors.forEach((tensor, i) => {
      checkTensor(kernel, `${list}[${i}]`, tensor, 'float', backend);
      if (tensor.size !== first[i]!.size) {
        throw new ShapeError({
          what: `${kernel}: size of ${list}[${i}]`,
          value: tensor.size,
          expected: `${first[i]!.size} as in ${lists[0]}`,
        });
      }
    });
  }
}

/** What a table of axes cannot say. */
const rules: Record<string, (args: Arguments, sizes: Sizes) => void> = {
  matmul({ a, b, bias, y, transposeA, transposeB }) {
    const [left, right, out] = [(a as Tensor).shape, (b as Tensor).shape, (y as Tensor).shape];
    const fail = (what: string, value: readonly number[], expected: string): never => {
      throw new ShapeError({ what: `matmul: shape of ${what}`, value, expected });
    };
    if (left.length < 2) fail('a', left, 'at least 2 axes');
    if (right.length < 2) fail('b', right, 'at least 2 axes');
    const [m, k] = transposeA ? [left.at(-1)!, left.at(-2)!] : [left.at(-2)!, left.at(-1)!];
    const [depth, n] = transposeB ? [right.at(-1)!, right.at(-2)!] : [right.at(-2)!, right.at(-1)!];
    if (depth !== k) fail('b', right, `k = ${k} as in a [${left.join(', ')}]`);
    const batch = left.slice(0, -2);
    if (right.length > 2 && right.slice(0, -2).join() !== batch.join())
      fail('b', right, `2 axes, or the batch [${batch.join(', ')}] of a`);
    if (out.join() !== [...batch, m, n].join()) fail('y', out, `[${[...batch, m, n].join(', ')}]`);
    if (bias && (bias as Tensor).shape.join() !== String(n)) fail('bias', (bias as Tensor).shape, `[${n}]`);
  },
  copyBlock({ from = 0, to = 0, count }, sizes) {
    if ((from as number) + (count as number) > sizes.get('X')!) {
      throw new ShapeError({
        what: 'copyBlock: from + count',
        value: (from as number) + (count as number),
        expected: `at most the ${sizes.get('X')} rows of x`,
      });
    }
    if ((to as number) + (count as number) > sizes.get('Y')!) {
      throw new ShapeError({
        what: 'copyBlock: to + count',
        value: (to as number) + (count as number),
        expected: `at most the ${sizes.get('Y')} rows of y`,
      });
    }
  },
  softmaxAttention({ offset }, sizes) {
    const room = sizes.get('S')! - sizes.get('T')!;
    if (room < 0)
      throw new ShapeError({
        what: 'softmaxAttention: keys',
        value: sizes.get('S'),
        expected: `at least the ${sizes.get('T')} queries`,
      });
    if (offset !== undefined && (offset as number) > room) {
      throw new ShapeError({
        what: 'softmaxAttention: offset',
        value: offset,
        expected: `at most ${room}, the keys without the queries`,
      });
    }
  },
  phaseSum({ phase, resume }) {
    if (!phase || !resume) return;
    throw new ShapeError({
      what: 'phaseSum: phase',
      value: (phase as Tensor).shape,
      expected: 'none beside resume, which stands for it',
    });
  },
  queryState({ S, Z }) {
    together('queryState', { S, Z });
  },
  queryStateBackward({ S, Z, dq, dS, dZ }) {
    together('queryStateBackward', { S, Z, dq, dS, dZ });
  },
  adamw({ weights, weightDecay }) {
    const [parameters, decays] = [weights as readonly Tensor[], weightDecay as readonly number[]];
    if (decays.length !== parameters.length) {
      throw new ShapeError({
        what: 'adamw: length of weightDecay',
        value: decays.length,
        expected: `${parameters.length} numbers as in weights`,
      });
    }
  },
  queryWindow({ count }, sizes) {
    if ((count as number) < 1 || (count as number) > sizes.get('C')!) {
      throw new ShapeError({
        what: 'queryWindow: count',
        value: count,
        expected: `1 to ${sizes.get('C')}, the window's rows`,
      });
    }
  },
};
rules.softmaxAttentionBackward = rules.softmaxAttention!;

/** @throws ShapeError when some but not all of the tensors are there */
function together(kernel: string, tensors: Arguments): void {
  const missing = Object.keys(tensors).filter((name) => tensors[name] === undefined);
  if (missing.length === 0 || missing.length === Object.keys(tensors).length) return;
  throw new ShapeError({
    what: `${kernel}: ${missing[0]}`,
    value: undefined,
    expected: `a tensor, as ${Object.keys(tensors).join(', ')} come together`,
  });
}

/**
 * The same kernels behind a check of every argument, for the backend that they belong to.
 *
 * Each call throws ShapeError for tensors that do not fit together, ConfigError for options out of range, and BackendError
 * for tensors that were disposed of or belong to another backend.
 */
export function checked(kernels: Kernels, backend: Backend): Kernels {
  const entries = Object.entries(kernels as unknown as Record<string, (args: Arguments) => void>);
  return Object.fromEntries(
    entries.map(([name, kernel]) => {
      const arguments_ = plan(name, signatures[name as keyof Kernels]);
      return [
        name,
        (args: Arguments) => {
          check(arguments_, args, backend);
          kernel(args);
        },
      ];
    }),
  ) as unknown as Kernels;
}
