// What a table of axes cannot say about the arguments of a kernel.

import type { Kernels, Shape, Tensor } from './api';
import { ShapeError } from './errors';
import { axisNames, type Sizes } from './sizes';

export type Arguments = Record<string, unknown>;

const [X, Y] = [axisNames.indexOf('X'), axisNames.indexOf('Y')];

function refuse(what: string, value: unknown, expected: string): never {
  throw new ShapeError({ what, value, expected });
}

/** Whether a shape is `batch` axes of another, then these. */
function isBatchOf(shape: Shape, other: Shape, batch: number, rows: number, columns: number): boolean {
  if (shape.length !== batch + 2 || shape[batch] !== rows || shape[batch + 1] !== columns) return false;
  for (let i = 0; i < batch; i++) if (shape[i] !== other[i]) return false;
  return true;
}

function matmul({ a, b, bias, y, transposeA, transposeB }: Arguments): void {
  const [left, right, out] = [(a as Tensor).shape, (b as Tensor).shape, (y as Tensor).shape];
  if (left.length < 2) refuse('matmul: shape of a', left, 'at least 2 axes');
  if (right.length < 2) refuse('matmul: shape of b', right, 'at least 2 axes');
  const batch = left.length - 2;
  const [m, k] = transposeA ? [left[batch + 1]!, left[batch]!] : [left[batch]!, left[batch + 1]!];
  const [rows, columns] = [right[right.length - 2]!, right[right.length - 1]!];
  const [depth, n] = transposeB ? [columns, rows] : [rows, columns];
  if (depth !== k) refuse('matmul: shape of b', right, `k = ${k} as in a [${left.join(', ')}]`);
  if (right.length > 2 && !isBatchOf(right, left, batch, rows, columns)) {
    refuse('matmul: shape of b', right, `2 axes, or the batch [${left.slice(0, batch).join(', ')}] of a`);
  }
  if (!isBatchOf(out, left, batch, m, n)) {
    refuse('matmul: shape of y', out, `[${[...left.slice(0, batch), m, n].join(', ')}]`);
  }
  const added = (bias as Tensor | undefined)?.shape;
  if (added && (added.length !== 1 || added[0] !== n)) refuse('matmul: shape of bias', added, `[${n}]`);
}

function copyBlock({ x, y, from = 0, to = 0, count }: Arguments, { slots }: Sizes): void {
  const [{ dtype }, out] = [x as Tensor, y as Tensor];
  if (out.dtype !== dtype) refuse('copyBlock: dtype of y', out.dtype, `${dtype} as of x`);
  const [read, written] = [(from as number) + (count as number), (to as number) + (count as number)];
  if (read > slots[X]!) refuse('copyBlock: from + count', read, `at most the ${slots[X]} rows of x`);
  if (written > slots[Y]!) refuse('copyBlock: to + count', written, `at most the ${slots[Y]} rows of y`);
}

function softmaxAttention(_: Arguments, { S, T }: Sizes): void {
  if (S < T) refuse('softmaxAttention: keys', S, `at least the ${T} queries`);
}

function append(args: Arguments): void {
  together('append', args, ['logGate', 'logGates']);
  const [from, to] = [(args.logGate as Tensor | undefined)?.shape, (args.logGates as Tensor | undefined)?.shape];
  if (from?.length !== to?.length) refuse('append: shape of logGates', to, `${from!.length} axes as in logGate`);
}

function phaseSum({ phase, resume }: Arguments): void {
  if (!phase || !resume) return;
  refuse('phaseSum: phase', (phase as Tensor).shape, 'none beside resume, which stands for it');
}

function adamw({ weights, weightDecay }: Arguments): void {
  const [parameters, decays] = [weights as readonly Tensor[], weightDecay as readonly number[]];
  if (decays.length === parameters.length) return;
  refuse('adamw: length of weightDecay', decays.length, `${parameters.length} numbers as in weights`);
}

/** @throws ShapeError when some but not all of the tensors are there */
function together(kernel: string, args: Arguments, names: readonly string[]): void {
  const missing = names.find((name) => args[name] === undefined);
  if (missing === undefined || names.every((name) => args[name] === undefined)) return;
  refuse(`${kernel}: ${missing}`, undefined, `a tensor, as ${names.join(', ')} come together`);
}

const state = ['S', 'Z'];
const stateBackward = ['S', 'Z', 'dq', 'dS', 'dZ'];

/** By kernel; run behind the table's own checks. */
export const doorRules: { readonly [K in keyof Kernels]?: (args: Arguments, sizes: Sizes) => void } = {
  matmul,
  copyBlock,
  softmaxAttention,
  softmaxAttentionBackward: softmaxAttention,
  phaseSum,
  queryState: (args) => together('queryState', args, state),
  queryStateBackward: (args) => together('queryStateBackward', args, stateBackward),
  append,
  adamw,
};
