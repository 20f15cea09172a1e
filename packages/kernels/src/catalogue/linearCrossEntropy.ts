/**
 * The head of a language model and its loss in one: logits x Wᵀ + b exist for a block of rows at a time, never for all. A
 * vocabulary of 50,257 with 8 × 1,024 tokens would be 1.6 GB of them, and as much of their gradients.
 */

import { product, rowMajor, transpose } from '../js/product';
import { scratch, zeroScratch } from '../js/scratch';
import { floats, integers, lastAxis } from '../js/tensor';
import type { Home, Tensor } from '../tensor';
import type { AddArgs } from './add';
import type { CopyBlockArgs } from './copyBlock';
import { logSumExp, type CrossEntropyArgs, type CrossEntropyBackwardArgs } from './crossEntropy';
import type { Composed } from './entry';
import type { FillArgs } from './fill';
import type { MatmulArgs } from './matmul';
import { atLeast1 } from './options';
import type { SumRowsArgs } from './sumRows';

export interface LinearCrossEntropyArgs {
  /** [rows…, n] */
  x: Tensor;
  /** [V, n] */
  weight: Tensor;
  /** [V] */
  bias?: Tensor | undefined;
  /** [rows…] int32 */
  targets: Tensor;
  /** Rows whose logits exist at once; as many as fit in 64 MiB where absent. */
  block?: number | undefined;

  /** [rows…] in nats: 0 where the target is negative, NaN where it is V or more. */
  loss: Tensor;
}

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
export const linearCrossEntropy: Composed<LinearCrossEntropyArgs, LinearCrossEntropyParts> = {
  reads: { x: '… n', weight: 'V n', 'bias?': 'V', targets: '…' },
  writes: { loss: '…' },
  integers: ['targets'],
  wide: ['loss'],
  options: { 'block?': atLeast1 },
  roundings: 128,
  samples: { options: { block: [undefined, 2] }, below: { targets: 'V' } },
  body: ({ x, weight, bias, targets, block, loss }, home) => {
    everyBlock({ x, weight, bias, targets, block }, home, ({ rows, logits, ids, put }) => {
      const own = home.empty([1, rows]);
      home.kernels.crossEntropy({ logits, targets: ids, loss: own });
      put(own, loss);
    });
  },
};

/** The gradients of linearCrossEntropy, and the losses if they are asked for. */
export const linearCrossEntropyBackward: Composed<LinearCrossEntropyBackwardArgs, LinearCrossEntropyParts> = {
  reads: { x: '… n', weight: 'V n', 'bias?': 'V', targets: '…', dloss: '…' },
  writes: { 'dx?': '… n', 'dweight?': 'V n', 'dbias?': 'V', 'loss?': '…' },
  integers: ['targets'],
  wide: ['dloss', 'loss'],
  options: { 'block?': atLeast1 },
  roundings: 128,
  samples: { options: { block: [undefined, 2] }, below: { targets: 'V' } },
  body: ({ x, weight, bias, targets, dloss, block, dx, dweight, dbias, loss }, home) => {
    const { kernels } = home;
    for (const sum of [dweight, dbias]) if (sum) kernels.fill({ value: 0, y: sum });
    everyBlock({ x, weight, bias, targets, block }, home, ({ rows, logits, xs, ids, take, put }) => {
      if (loss) {
        const own = home.empty([1, rows]);
        kernels.crossEntropy({ logits, targets: ids, loss: own });
        put(own, loss);
      }
      const dlogits = home.empty(logits.shape);
      kernels.crossEntropyBackward({ logits, targets: ids, dloss: take(dloss), dlogits });
      if (dx) {
        const own = home.empty(xs.shape);
        kernels.matmul({ a: dlogits, b: weight, y: own });
        put(own, dx);
      }
      const [V, n] = weight.shape as [number, number];
      const flat = home.view(dlogits, [rows, V]);
      if (dweight) {
        kernels.matmul({ a: flat, b: home.view(xs, [rows, n]), transposeA: true, accumulate: true, y: dweight });
      }
      if (dbias) {
        const own = home.empty([V]);
        kernels.sumRows({ x: flat, y: own });
        kernels.add({ a: dbias, b: own, y: dbias });
      }
    });
  },
};

/** Bytes of logits at once: enough rows for a good product, few enough to stay near. */
const blockBytes = 64 * 2 ** 20;

interface Block {
  readonly rows: number;
  /** [1, rows, V] */
  readonly logits: Tensor;
  /** [1, rows, n] */
  readonly xs: Tensor;
  /** [1, rows] int32 */
  readonly ids: Tensor;
  /** These rows of a tensor [rows…], as [1, rows]. */
  take(from: Tensor): Tensor;
  /** The rows of a block into their places. */
  put(own: Tensor, to: Tensor): void;
}

/** Runs `use` for block after block of rows, with their logits. */
function everyBlock(
  { x, weight, bias, targets, block }: Omit<LinearCrossEntropyArgs, 'loss'>,
  home: Home & { readonly kernels: LinearCrossEntropyParts },
  use: (block: Block) => void,
): void {
  const { kernels } = home;
  const [V, n] = weight.shape as [number, number];
  const all = targets.size;
  const most = Math.min(blockBytes, home.capabilities.maxTensorBytes) / (4 * V);
  const rowsAtOnce = block ?? Math.max(1, Math.floor(most));
  for (let from = 0; from < all; from += rowsAtOnce) {
    const rows = Math.min(rowsAtOnce, all - from);
    home.scope(() => {
      const copy = (tensor: Tensor, rest: readonly number[]) => {
        const own = home.empty([1, rows, ...rest], tensor.dtype);
        kernels.copyBlock({ x: home.view(tensor, [1, all, ...rest]), from, count: rows, y: own });
        return own;
      };
      const xs = copy(x, [n]);
      const logits = home.empty([1, rows, V]);
      kernels.matmul({ a: xs, b: weight, bias, transposeB: true, y: logits });
      use({
        ...{ rows, logits, xs, ids: copy(targets, []) },
        take: (tensor) => copy(tensor, []),
        put(own, to) {
          const rest = own.shape.slice(2);
          kernels.copyBlock({ x: own, to: from, count: rows, y: home.view(to, [1, all, ...rest]) });
        },
      });
    });
  }
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
    if (dweight) floats(dweight).set(sumsW.subarray(0, V * n));
    if (dbias) floats(dbias).set(sumsB.subarray(0, V));
  },
};

const sumWeight = zeroScratch();
const sumBias = zeroScratch();
const rowOfLogits = scratch();

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
