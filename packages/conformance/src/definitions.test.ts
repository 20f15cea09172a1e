// The definition of the kernels outside the power recurrence, held to their formulas written out element by element.
import { bodyOf, entryOf, kernelNames, type Backend, type Kernels } from '@sympow/kernels';
import { beforeAll, describe, expect, it } from 'vitest';
import type { CaseArguments, Numbers } from './api';
import { cases } from './cases';
import { openDefinition } from './checkCase';
import { compare, meaning } from './compare';
import { number, sum, type Arguments, type Formula, type Read } from './formula.cases';
import { Inputs } from './inputs';
import { sampled } from './sampling.cases';
import { isNumbers } from './shapes';

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

function normalised({ of, shape, args }: Arguments, position: readonly number[], centred: boolean): number {
  const [row, i] = [position.slice(0, -1), position.at(-1)!];
  const n = shape.x!.at(-1)!;
  // From the first on, which is the same by algebra: far from 0 the mean itself has too few digits.
  const x = (c: number) => of.x!(...row, c) - (centred ? of.x!(...row, 0) : 0);
  const mean = centred ? sum(n, x) / n : 0;
  const variance = sum(n, (c) => (x(c) - mean) ** 2) / n;
  const value = (x(i) - mean) / Math.sqrt(variance + (args.eps as number));
  return value * (of.weight?.(i) ?? 1) + (of.bias?.(i) ?? 0);
}

/** Softmax weights of one query over the keys up to its own, and the log of their sum. */
function attention(each: Arguments, [b, t, h]: readonly [number, number, number]) {
  const { of, shape } = each;
  const [[, T, H, d], [, S, G]] = [shape.q as [number, number, number, number], shape.k as [number, number, number]];
  const g = Math.floor((h * G) / H);
  const position = Math.max(0, Math.min(S - T, of.offset?.(b) ?? S - T)) + t;
  const width = shape.start?.[3];
  // Behind those of the channels, or alone.
  const added = width === d ? undefined : width === undefined ? [] : [d];
  const A = (j: number) => (of.A && added ? of.A(0, b, j, g, ...added) + of.A(1, b, j, g, ...added) : 0);
  const decay = (j: number, i: number): number => {
    if (width === undefined) return 1;
    if (j < of.start!(b, position, g, i)) return 0;
    const difference = of.A!(0, b, position, g, i) - of.A!(0, b, j, g, i);
    return Math.exp(difference + of.A!(1, b, position, g, i) - of.A!(1, b, j, g, i));
  };
  const from = Math.max(0, position - number(each, 'window', S) + 1);
  const start = Math.max(from, (added && of.start?.(b, position, g, ...added)) ?? 0);
  const scores: number[] = [];
  for (let j = start; j <= position; j++) {
    scores.push(sum(d, (i) => of.q!(b, t, h, i) * of.k!(b, j, g, i) * decay(j, i)) / Math.sqrt(d) + A(position) - A(j));
  }
  const max = Math.max(...scores);
  const total = sum(scores.length, (j) => Math.exp(scores[j]! - max));
  const value = (e: number) =>
    sum(scores.length, (j) => (Math.exp(scores[j]! - max) / total) * of.v!(b, start + j, g, e));
  return { value, logSum: max + Math.log(total) };
}

/** A number of what a memory holds: the new one where its token belongs there, else the old one. */
function appended({ of, shape }: Arguments, x: string, y: string, [b, s, ...rest]: readonly number[]): number {
  const t = s! - of.offset!(b!);
  return of.offset!(b!) >= 0 && t >= 0 && t < shape.k![1]! ? of[x]!(b!, t, ...rest) : of[y]!(b!, s!, ...rest);
}

/** The phase after the first `count` tokens. */
function phaseSum({ of, shape }: Arguments, count: number, b: number, g: number, m: number): number {
  const beta = (i: number) => (shape.beta?.length === 4 ? of.beta!(b, i, g, m) : (of.beta?.(b, i, g) ?? 1));
  const initial = of.resume ? of.resume(0, b, g, m) + of.resume(1, b, g, m) : (of.phase?.(b, g, m) ?? 0);
  const theta = of.theta!(g, m) + (of.thetaTail?.(g, m) ?? 0);
  return initial + (theta / (2 * Math.PI)) * sum(count, beta);
}

/** Rows behind a norm by the arguments of a case: every number of a map reads all of one. */
const normedRows = new WeakMap<object, Map<string, number[]>>();

/** A number of map i of a normalised input. */
function mapped(each: Arguments, i: number, at: readonly number[]): number {
  const { of, shape, args } = each;
  const [kind, f] = [args.kind, args[`activation${i}`] as 'gelu' | undefined];
  const norm = { ...each, of: { ...of, weight: of.normWeight!, bias: of.normBias! } };
  const [row, n] = [at.slice(0, -1), shape.x!.at(-1)!];
  const rows = normedRows.get(args) ?? new Map<string, number[]>();
  const h =
    rows.get(row.join()) ?? Array.from({ length: n }, (_, c) => normalised(norm, [...row, c], kind === 'layer'));
  normedRows.set(args, rows.set(row.join(), h));
  const [weight, bias] = [of[`weight${i}`]!, of[`bias${i}`]];
  const x = sum(n, (c) => h[c]! * weight(at.at(-1)!, c)) + (bias?.(at.at(-1)!) ?? 0);
  return f ? formulas[f]!.y!({ ...each, of: { x: () => x } }, []) : x;
}

/** Queries or keys of the next tokens of a stream, turned. */
function turned(each: Arguments, x: 'q' | 'k', at: readonly number[]): number {
  const { of, shape } = each;
  const turns = (b: number, t: number, g: number, m: number) => phaseSum(each, t + 1, b, g, m);
  const own = { ...each, of: { ...of, x: of[x]!, turns }, shape: { x: shape[x]!, turns: shape.k! } };
  return formulas.rotary!.y!(own, at);
}

/** Σ log γ from the first token of the chunk, or from the one after the last gate of 0. */
function gateSum({ of, args }: Arguments, [b, t, ...rest]: readonly number[]): { A: number; start: number } {
  let [A, start] = [0, -1];
  for (let m = 0; m <= t!; m++) {
    const log = of.logGate!(b!, m, ...rest);
    if (m % (args.chunk as number) === 0) A = 0;
    if (log < -87) [A, start] = [0, m];
    else A += log;
  }
  return { A, start };
}

const formulas: Partial<Record<keyof Kernels, Record<string, Formula>>> = {
  fill: { y: ({ args }) => args.value as number },
  cast: { y: ({ of }, at) => of.x!(...at) },
  copyBlock: {
    y: (each, [b, row, ...rest]) => {
      const [from, to] = [number(each, 'from', 0), number(each, 'to', 0)];
      const inside = row! >= to && row! < to + (each.args.count as number);
      return inside ? each.of.x!(b!, from + row! - to, ...rest) : each.of.y!(b!, row!, ...rest);
    },
  },
  add: { y: (each, at) => each.of.a!(...at) + number(each, 'scale', 1) * each.of.b!(...at) },
  multiply: { y: ({ of }, at) => of.a!(...at) * of.b!(...at) },
  keyScale: {
    scale: ({ of, shape, args }, [b, g]) => {
      const [, T, , d] = shape.k as [number, number, number, number];
      const finite = (x: number) => (Number.isFinite(x) ? Math.abs(x) : 0);
      let [keys, state] = [0, 0];
      for (let t = 0; t < T; t++) for (let i = 0; i < d; i++) keys = Math.max(keys, finite(of.k!(b!, t, g!, i)));
      for (let i = 0; i < (shape.Z?.[2] ?? 0); i++) state = Math.max(state, finite(of.Z!(b!, g!, i)));
      const p = args.power as number;
      // The n of 2^n ≤ size < 2^{n+1}, by steps.
      const nOf = (size: number, width: number): number => {
        let n = 0;
        while (size >= 2 ** (width * (n + 1))) n++;
        while (size < 2 ** (width * n)) n--;
        return n;
      };
      if (keys === 0 && state === 0) return 1;
      const n = Math.max(...[...(keys > 0 ? [nOf(keys, 1)] : []), ...(state > 0 ? [nOf(state, p)] : [])]);
      return p * Math.abs(n) > 32 ? 2 ** -Math.max(-126, Math.min(126, n)) : 1;
    },
  },
  scaleHeads: {
    y: ({ of, args }, at) => of.x!(...at) * of.scale!(at[0]!, at[2]!) ** (args.times as number),
  },
  broadcastRows: { y: ({ of }, at) => of.x!(at.at(-1)!) },
  sumRows: {
    y: (each, [c]) => {
      const rows = each.shape.x!.slice(0, -1).reduce((a, b) => a * b, 1);
      return number(each, 'scale', 1) * sum(rows, (r) => each.of.flat!(r * each.shape.x!.at(-1)! + c!));
    },
  },
  gelu: {
    y: ({ of }, at) => {
      const x = of.x!(...at);
      return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
    },
  },
  swiglu: { y: ({ of }, at) => of.gate!(...at) * sigmoid(of.gate!(...at)) * of.up!(...at) },
  logSigmoid: {
    y: ({ of }, at) => {
      const x = of.x!(...at);
      return x < -30 ? x : -Math.log1p(Math.exp(-x));
    },
  },
  onePlusTanh: { y: ({ of }, at) => 1 + Math.tanh(of.x!(...at)) },
  matmul: {
    y: ({ of, shape, args }, at) => {
      const [batch, i, j] = [at.slice(0, -2), at.at(-2)!, at.at(-1)!];
      const k = shape.a!.at(args.transposeA ? -2 : -1)!;
      const batchB = shape.b!.length === 2 ? [] : batch;
      const a = (m: number) => (args.transposeA ? of.a!(...batch, m, i) : of.a!(...batch, i, m));
      const b = (m: number) => (args.transposeB ? of.b!(...batchB, j, m) : of.b!(...batchB, m, j));
      return sum(k, (m) => a(m) * b(m)) + (of.bias?.(j) ?? 0) + (args.accumulate ? of.y!(...at) : 0);
    },
  },
  layerNorm: { y: (each, at) => normalised(each, at, true) },
  rmsNorm: { y: (each, at) => normalised(each, at, false) },
  normLinear: Object.fromEntries(
    [0, 1, 2, 3, 4].map((i): [string, Formula] => [`y${i}`, (each, at) => mapped(each, i, at)]),
  ),
  embed: {
    y: ({ of, shape }, at) => {
      const id = of.ids!(...at.slice(0, -1));
      return id >= 0 && id < shape.weight![0]! ? of.weight!(id, at.at(-1)!) : NaN;
    },
  },
  crossEntropy: {
    loss: ({ of, shape }, at) => {
      const target = of.targets!(...at);
      if (target < 0) return 0;
      const logits = Array.from(
        { length: shape.logits!.at(-1)! },
        (_, c) => of.logits!(...at, c) - of.logits!(...at, target),
      );
      const max = Math.max(...logits);
      return max + Math.log(logits.reduce((total, x) => total + Math.exp(x - max), 0));
    },
  },
  sampleToken: {
    ids: (each, [b]) => sampled(each, b!).id,
    logProbability: (each, [b]) => sampled(each, b!).logProbability,
    random: (each, [b, i]) => {
      const old = each.of.random!(b!, i!);
      const next = (each.of.random!(b!, 2) >>> 0) + 2;
      if (each.of.settings!(b!, 0) === 0) return old;
      if (i === 2) return next | 0;
      return i === 3 && next >= 2 ** 32 ? old + 1 : old;
    },
  },
  softmaxAttention: {
    y: (each, [b, t, h, e]) => attention(each, [b!, t!, h!]).value(e!),
    logSum: (each, [b, t, h]) => attention(each, [b!, t!, h!]).logSum,
  },
  append: {
    keys: (each, at) => appended(each, 'k', 'keys', at),
    values: (each, at) => appended(each, 'v', 'values', at),
    logGates: (each, at) => appended(each, 'logGate', 'logGates', at),
    next: ({ of, shape }, [b]) => of.offset!(b!) + (of.offset!(b!) < 0 ? 0 : shape.k![1]!),
  },
  rotary: {
    y: ({ of, shape }, [b, t, h, i]) => {
      const [m, second] = [Math.floor(i! / 2), i! % 2 === 1];
      const g = Math.floor((h! * shape.turns![2]!) / shape.x![2]!);
      const angle = 2 * Math.PI * of.turns!(b!, t!, g, m);
      const [u, v] = [of.x!(b!, t!, h!, 2 * m), of.x!(b!, t!, h!, 2 * m + 1)];
      return second ? u * Math.sin(angle) + v * Math.cos(angle) : u * Math.cos(angle) - v * Math.sin(angle);
    },
  },
  phaseSum: {
    turns: (each, [b, t, g, m]) => phaseSum(each, t! + 1, b!, g!, m!),
    last: (each, [, b, g, m]) => phaseSum(each, each.shape.turns![1]!, b!, g!, m!) / 2,
  },
  rotaryAppend: {
    y: (each, at) => turned(each, 'q', at),
    keys: (each, at) =>
      appended({ ...each, of: { ...each.of, k: (...own) => turned(each, 'k', own) } }, 'k', 'keys', at),
    values: (each, at) => appended(each, 'v', 'values', at),
    logGates: (each, at) => appended(each, 'logGate', 'logGates', at),
    next: ({ of, shape }, [b]) => of.offset!(b!) + (of.offset!(b!) < 0 ? 0 : shape.k![1]!),
    last: (each, [, b, g, m]) => phaseSum(each, each.shape.k![1]!, b!, g!, m!) / 2,
  },
  gateSum: {
    A: (each, [, ...at]) => gateSum(each, at).A / 2,
    start: (each, at) => gateSum(each, at).start,
  },
  resetGates: { y: ({ of }, at) => (of.reset!(at[0]!, at[1]!) !== 0 ? -Infinity : of.x!(...at)) },
  adamw: Object.fromEntries(
    [0, 1, 2, 3].flatMap((p) => [
      [`m[${p}]`, (each, at) => moments(each, p, at).m],
      [`v[${p}]`, (each, at) => moments(each, p, at).v],
      [`weights[${p}]`, (each, at) => moments(each, p, at).w],
    ]) as [string, Formula][],
  ),
  squaredNorm: {
    y: ({ args }) =>
      (args.xs as readonly Numbers[]).reduce((total, { data }) => total + sum(data.length, (i) => data[i]! ** 2), 0),
  },
};

function moments({ args, of }: Arguments, p: number, at: readonly number[]): { m: number; v: number; w: number } {
  const option = (name: string) => args[name] as number;
  const read = (name: string) => of[`${name}[${p}]`]!(...at);
  const norm = Math.sqrt(of.squaredNorm!(0));
  const [m, v, w] = [read('m'), read('v'), read('weights')];
  if (!Number.isFinite(norm)) return { m, v, w };
  const g = read('grads') * Math.min(1, option('clip') / (norm + 1e-6));
  const [beta1, beta2, step] = [option('beta1'), option('beta2'), option('step')];
  const next = { m: beta1 * m + (1 - beta1) * g, v: beta2 * v + (1 - beta2) * g * g };
  const direction = next.m / (1 - beta1 ** step) / (Math.sqrt(next.v / (1 - beta2 ** step)) + option('eps'));
  const decay = (args.weightDecay as readonly number[])[p]!;
  return { ...next, w: w - option('learningRate') * (direction + decay * w) };
}

/** Tensor arguments by name, those of lists as `m[0]`, gates as A and start. */
function tensorsOf(args: CaseArguments): Record<string, Numbers> {
  return Object.fromEntries(
    Object.entries(args).flatMap(([name, value]): [string, Numbers][] => {
      if (isNumbers(value)) return [[name, value]];
      if (Array.isArray(value))
        return value.flatMap((each: Numbers, i) => (isNumbers(each) ? [[`${name}[${i}]`, each]] : []));
      return typeof value === 'object' && 'start' in value
        ? [
            ['A', value.A],
            ['start', value.start],
          ]
        : [];
    }),
  );
}

function reader({ shape, data }: Numbers): Read {
  return (...position) => data[position.reduce((offset, i, axis) => offset * shape[axis]! + i, 0)]!;
}

function positionOf(index: number, shape: readonly number[]): number[] {
  const position: number[] = [];
  for (let axis = shape.length - 1, left = index; axis >= 0; axis--) {
    position.unshift(left % shape[axis]!);
    left = Math.floor(left / shape[axis]!);
  }
  return position;
}

let definition: Backend;
beforeAll(async () => {
  definition = await openDefinition();
});

for (const [kernel, outputs] of Object.entries(formulas) as [keyof Kernels, Record<string, Formula>][]) {
  describe(`${kernel} is its formula`, () => {
    for (const kase of cases.filter((each) => each.kernel === kernel && !each.poisoned)) {
      it(kase.name, () => {
        const inputs = new Inputs(`${kernel} ${kase.name}`, 'float64', definition);
        const args = kase.make(inputs);
        const tensors = tensorsOf(args);
        const of = Object.fromEntries(Object.entries(tensors).map(([name, each]) => [name, reader(each)]));
        if (tensors.x) of.flat = (i) => tensors.x!.data[i]!;
        const shapes = Object.entries(tensors).map(([name, each]) => [name, each.shape] as const);
        const shape: Arguments['shape'] = { ...kase.shapes, ...Object.fromEntries(shapes) };
        const results = inputs.define(kernel, args, kase);
        for (const [output, result] of Object.entries(results)) {
          const formula = outputs[output]!;
          const expected = Array.from(result.data, (_, i) => formula({ args, of, shape }, positionOf(i, result.shape)));
          const [a, b] = [meaning(kernel, output, result.data), meaning(kernel, output, expected)];
          const floor = kase.floor?.[output];
          const { complaint } = compare(a.data, b.data, { output, tolerance: 1e-12, floor, circular: a.circular });
          expect(complaint).toBeUndefined();
        }
      });
    }
  });
}

it('every kernel is held to something: a formula here, the double loop, the slope of another, or its body', () => {
  const recurrence = ['updateState', 'discountedSum', 'powerAttention', 'queryState', 'stepState', 'queryWindow'];
  const free = kernelNames.filter(
    (kernel) =>
      !(kernel in formulas) && !bodyOf(kernel) && !kernel.endsWith('Backward') && !recurrence.includes(kernel),
  );
  expect(free).toEqual([]);
  expect(entryOf('adamw').lists).toContain('m');
});
