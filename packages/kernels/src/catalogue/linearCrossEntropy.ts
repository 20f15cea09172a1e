/**
 * The head of a language model and its loss in one: logits x Wᵀ + b exist for a block of rows at a time, never for all. A
 * vocabulary of 50,257 with 8 × 1,024 tokens would be 1.6 GB of them, and as much of their gradients.
 */

import { product, rowMajor, transpose } from '../js/product';
import { scratch, zeroScratch } from '../js/scratch';
import { floats, integers, lastAxis, store } from '../js/tensor';
import type { Home, Tensor } from '../tensor';
import type { AddArgs } from './add';
import type { CopyBlockArgs } from './copyBlock';
import { logSumExp, type CrossEntropyArgs, type CrossEntropyBackwardArgs } from './crossEntropy';
import type { Entry } from './entry';
import type { FillArgs } from './fill';
import type { MatmulArgs } from './matmul';
import { atLeast1 } from './options';
import type { SumRowsArgs } from './sumRows';

/** What `linearCrossEntropy` reads, is told and writes; its entry has the formula. */
export interface LinearCrossEntropyArgs {
  /** [rows…, n] */
  x: Tensor;
  /** [V, n] */
  weight: Tensor;
  /** [V] */
  bias?: Tensor | undefined;
  /** [rows…] int32 */
  targets: Tensor;
  /** Rows whose logits exist at once; by `capabilities.blockBytes` where absent. */
  block?: number | undefined;

  /** [rows…] in nats: 0 where the target is negative, NaN where it is V or more. */
  loss: Tensor;
}

/** What `linearCrossEntropyBackward` reads, is told and writes; its entry has the formula. */
export interface LinearCrossEntropyBackwardArgs {
  x: Tensor;
  weight: Tensor;
  bias?: Tensor | undefined;
  targets: Tensor;
  dloss: Tensor;
  block?: number | undefined;

  dx?: Tensor | undefined;
  dweight?: Tensor | undefined;
  dbias?: Tensor | undefined;
  /** The losses as well: one product less where `dloss` is known before them. */
  loss?: Tensor | undefined;
}

/** The kernels that the bodies stand on. */
export interface LinearCrossEntropyParts {
  add(args: AddArgs): void;
  copyBlock(args: CopyBlockArgs): void;
  crossEntropy(args: CrossEntropyArgs): void;
  crossEntropyBackward(args: CrossEntropyBackwardArgs): void;
  fill(args: FillArgs): void;
  matmul(args: MatmulArgs): void;
  sumRows(args: SumRowsArgs): void;
}

/** loss[r] = −log softmax(x[r]·Wᵀ + b)[targets[r]], 0 where the target is negative; in blocks of rows. */
export const linearCrossEntropy: Entry<LinearCrossEntropyArgs> = {
  reads: { x: '… n', weight: 'V n', 'bias?': 'V', targets: '…' },
  writes: { loss: '…' },
  integers: ['targets'],
  wide: ['loss'],
  options: { 'block?': atLeast1 },
  roundings: 128,
  samples: { options: { block: [undefined, 2] }, below: { targets: 'V' } },
};

/** The gradients of linearCrossEntropy, and the losses if they are asked for. */
export const linearCrossEntropyBackward: Entry<LinearCrossEntropyBackwardArgs> = {
  reads: { x: '… n', weight: 'V n', 'bias?': 'V', targets: '…', dloss: '…' },
  writes: { 'dx?': '… n', 'dweight?': 'V n', 'dbias?': 'V', 'loss?': '…' },
  integers: ['targets'],
  wide: ['dloss', 'loss'],
  options: { 'block?': atLeast1 },
  roundings: 128,
  samples: { options: { block: [undefined, 2] }, below: { targets: 'V' } },
};

/** How they are made of others. */
export const linearCrossEntropyBodies = {
  linearCrossEntropy({ x, weight, bias, targets, block, loss }: LinearCrossEntropyArgs, home: Workplace): void {
    everyBlock({ x, weight, bias, targets, block }, home, ({ logits, ids, fill }) => {
      fill(loss, (own) => home.kernels.crossEntropy({ logits, targets: ids, loss: own }));
    });
  },
  linearCrossEntropyBackward(
    { x, weight, bias, targets, dloss, block, dx, dweight, dbias, loss }: LinearCrossEntropyBackwardArgs,
    home: Workplace,
  ): void {
    const { kernels } = home;
    if (targets.size === 0) for (const sum of [dweight, dbias]) if (sum) kernels.fill({ value: 0, y: sum });
    everyBlock({ x, weight, bias, targets, block }, home, ({ first, logits, xs, ids, take, fill }) => {
      if (loss) fill(loss, (own) => kernels.crossEntropy({ logits, targets: ids, loss: own }));
      const dlogits = home.empty(logits.shape);
      kernels.crossEntropyBackward({ logits, targets: ids, dloss: take(dloss), dlogits });
      if (dx) fill(dx, (own) => kernels.matmul({ a: dlogits, b: weight, y: own }));
      if (dweight) kernels.matmul({ a: dlogits, b: xs, transposeA: true, accumulate: !first, y: dweight });
      if (dbias) {
        const own = first ? dbias : home.empty(dbias.shape);
        kernels.sumRows({ x: dlogits, y: own });
        if (!first) kernels.add({ a: dbias, b: own, y: dbias });
      }
    });
  },
};

type Workplace = Home & { readonly kernels: LinearCrossEntropyParts };

/** Rows of a block are whole tiles of a product, where it has as many. */
const tile = 128;

interface Block {
  /** Whether no block was before it. */
  readonly first: boolean;
  /** [rows, V] */
  readonly logits: Tensor;
  /** [rows, n] */
  readonly xs: Tensor;
  /** [rows] int32 */
  readonly ids: Tensor;
  /** These rows of a tensor [rows…, …rest]. */
  take(from: Tensor): Tensor;
  /** Has these rows of a tensor written. */
  fill(to: Tensor, write: (own: Tensor) => void): void;
}

/** Runs `use` for block after block of rows, with their logits. Blocks are about equally large. */
function everyBlock(
  { x, weight, bias, targets, block }: Omit<LinearCrossEntropyArgs, 'loss'>,
  home: Workplace,
  use: (block: Block) => void,
): void {
  const { kernels } = home;
  const V = weight.shape[0]!;
  const all = targets.size;
  const rowsAtOnce = block ?? equalRows(all, home.capabilities.blockBytes / (4 * V));
  const rest = ({ shape }: Tensor) => shape.slice(targets.shape.length);
  for (let from = 0; from < all; from += rowsAtOnce) {
    const rows = Math.min(rowsAtOnce, all - from);
    home.scope(() => {
      const whole = rows === all;
      const of = (tensor: Tensor) => home.view(tensor, [1, all, ...rest(tensor)]);
      const rowsOf = (tensor: Tensor) => [rows, ...rest(tensor)];
      const take = (tensor: Tensor) => {
        if (whole) return home.view(tensor, rowsOf(tensor));
        const own = home.empty(rowsOf(tensor), tensor.dtype);
        kernels.copyBlock({ x: of(tensor), from, count: rows, y: home.view(own, [1, ...own.shape]) });
        return own;
      };
      const fill = (tensor: Tensor, write: (own: Tensor) => void) => {
        if (whole) return write(home.view(tensor, rowsOf(tensor)));
        const own = home.empty(rowsOf(tensor), tensor.dtype);
        write(own);
        kernels.copyBlock({ x: home.view(own, [1, ...own.shape]), to: from, count: rows, y: of(tensor) });
      };
      const xs = take(x);
      const logits = home.empty([rows, V]);
      kernels.matmul({ a: xs, b: weight, bias, transposeB: true, y: logits });
      use({ first: from === 0, logits, xs, ids: take(targets), take, fill });
    });
  }
}

/** Rows of each block, where there are `all` and at most `most` at once: as many in the last one as in the others, or nearly. */
function equalRows(all: number, most: number): number {
  if (all <= most) return Math.max(1, all);
  const step = most < tile ? 1 : tile;
  const atMost = Math.max(1, Math.floor(most / step) * step);
  return Math.ceil(all / Math.ceil(all / atMost) / step) * step;
}

/** What they mean; the `js` backend runs it. */
export const linearCrossEntropyJs = {
  linearCrossEntropy(args: LinearCrossEntropyArgs): void {
    const { targets, loss } = args;
    everyRow(args, (row, x, V) => {
      floats(loss)[row] = lossOf(x, V, integers(targets)[row]!);
    });
  },
  linearCrossEntropyBackward(args: LinearCrossEntropyBackwardArgs): void {
    const { x, weight, targets, dloss, dx, dweight, dbias, loss } = args;
    const [V, n] = weight.shape as [number, number];
    const [xs, weights, slopes] = [floats(x), floats(weight), floats(dloss)];
    const [sumsX, sumsW, sumsB] = [new Float64Array(n), sumWeight(V * n), sumBias(V)];
    everyRow(args, (row, logits) => {
      const target = integers(targets)[row]!;
      if (loss) floats(loss)[row] = lossOf(logits, V, target);
      const total = logSumExp(logits, 0, V);
      sumsX.fill(0);
      for (let i = 0; i < V; i++) {
        const slope = Math.exp(logits[i]! - total) - (i === target ? 1 : 0);
        const gradient = target < 0 ? 0 : target >= V ? NaN : slopes[row]! * slope;
        sumsB[i] = sumsB[i]! + gradient;
        for (let c = 0; c < n; c++) {
          sumsX[c] = sumsX[c]! + gradient * weights[i * n + c]!;
          sumsW[i * n + c] = sumsW[i * n + c]! + gradient * xs[row * n + c]!;
        }
      }
      if (dx) floats(dx).set(sumsX, row * n);
    });
    store(sumsW, dweight);
    store(sumsB, dbias);
  },
  bodies: linearCrossEntropyBodies,
};

const sumWeight = /* @__PURE__ */ zeroScratch();
const sumBias = /* @__PURE__ */ zeroScratch();
const rowOfLogits = /* @__PURE__ */ scratch();

function lossOf(logits: Float64Array, V: number, target: number): number {
  if (target >= V) return NaN;
  return target < 0 ? 0 : logSumExp(logits, 0, V) - logits[target]!;
}

/** Runs `use` with the logits of each row. */
function everyRow(
  { x, weight, bias }: Pick<LinearCrossEntropyArgs, 'x' | 'weight' | 'bias'>,
  use: (row: number, logits: Float64Array, V: number) => void,
): void {
  const [V, n] = weight.shape as [number, number];
  const logits = rowOfLogits(V);
  const rows = x.size / (lastAxis(x) || 1);
  for (let row = 0; row < rows; row++) {
    const matrix = transpose(rowMajor(floats(weight), n));
    product(1, V, n, rowMajor(floats(x), n, row * n), matrix, rowMajor(logits, V));
    if (bias) for (let i = 0; i < V; i++) logits[i] = logits[i]! + floats(bias)[i]!;
    use(row, logits, V);
  }
}
