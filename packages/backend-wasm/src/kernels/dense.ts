/** Products, norms, row sums, lookup, loss, the choice of a token, and the optimizer. */

import { drawTokens, isHalf, type Kernels, type NormArgs, type NormBackwardArgs, type Tensor } from '@sympow/kernels';
import { at, of, type Machine } from '../machine';

/** Rows whose shares of a weight's gradient are summed first; as in assembly/rows.ts. */
const groupRows = 64;

/** Blocks of rows that a product is cut into. How many changes no digit of it. */
function blocksOf(rows: number, operations: number, threads: number): number {
  if (operations < 2 ** 20) return 1;
  return Math.max(1, Math.min(Math.floor(rows / 32), Math.max(2 * threads, Math.round(rows / 128))));
}

const last = (tensor: Tensor): number => tensor.shape.at(-1) ?? 1;
const rowsOf = (tensor: Tensor): number => (tensor.size === 0 ? 0 : tensor.size / last(tensor));

export function dense(machine: Machine) {
  const halvesSpace = machine.call('halvesSpace');
  function norm({ x, weight, bias, eps, y }: NormArgs, centred: boolean): void {
    machine.run('norm', rowsOf(x), 0, last(x), at(x), at(weight), at(bias), eps, centred, at(y));
  }
  function normBackward({ x, weight, dy, eps, dx, dweight, dbias }: NormBackwardArgs, centred: boolean): void {
    const [rows, n] = [rowsOf(x), last(x)];
    const groups = Math.ceil(rows / groupRows);
    const parts = machine.ensure(groups * 2 * n);
    machine.run(
      'normBackward',
      groups,
      groups * 2 * n,
      rows,
      n,
      at(x),
      at(weight),
      at(dy),
      eps,
      centred,
      at(dx),
      parts,
    );
    if (dweight) machine.call('sumParts', groups, n, parts, at(dweight));
    if (dbias) machine.call('sumParts', groups, n, parts + n * 4, at(dbias));
  }
  return {
    matmul({ a, b, bias, transposeA = false, transposeB = false, accumulate = false, y }) {
      const n = last(y);
      const m = y.shape.at(-2) ?? 1;
      const k = (transposeA ? a.shape.at(-2) : a.shape.at(-1)) ?? 1;
      if (y.size === 0) return;
      const shared = b.shape.length === 2;
      // Rows of the whole batch in one product where b is shared: [batch·m, k] · [k, n].
      const merged = shared && !transposeA;
      const rows = merged ? y.size / n : m;
      const batch = y.size / (rows * n);
      const [rowA, columnA] = transposeA ? [1, m] : [k, 1];
      const [rowB, columnB] = transposeB ? [1, k] : [n, 1];
      // Each block packs b for itself: as few as keep every thread busy.
      const blocks = machine.threads === 1 ? 1 : blocksOf(rows, 2 * batch * rows * n * k, machine.threads);
      const space = k + 64 + (isHalf(b.dtype) ? halvesSpace : 0);
      // prettier-ignore
      machine.run(
        of('matmul', b), batch * blocks, space, rows, n, k, blocks, at(a), rowA, columnA, m * k,
        at(b), rowB, columnB, shared ? 0 : k * n, at(bias), at(y), accumulate,
      );
    },
    layerNorm: (args) => norm(args, true),
    layerNormBackward: (args) => normBackward(args, true),
    rmsNorm: (args) => norm(args, false),
    rmsNormBackward: (args) => normBackward(args, false),
    broadcastRows({ x, y }) {
      machine.call('broadcastRows', rowsOf(y), last(y), at(x), at(y));
    },
    sumRows({ x, scale = 1, y }) {
      machine.whole('sumRows', last(x) + 16, rowsOf(x), last(x), at(x), scale, at(y));
    },
    embed({ ids, weight, y }) {
      machine.whole(of('embed', weight), 0, ids.size, last(weight), weight.shape[0]!, at(ids), at(weight), at(y));
    },
    embedBackward({ ids, dy, dweight }) {
      machine.call('embedBackward', ids.size, last(dweight), dweight.shape[0]!, at(ids), at(dy), at(dweight));
    },
    crossEntropy({ logits, targets, loss }) {
      machine.run('crossEntropy', targets.size, 0, last(logits), at(logits), at(targets), at(loss));
    },
    crossEntropyBackward({ logits, targets, dloss, dlogits }) {
      const tensors = [at(logits), at(targets), at(dloss), at(dlogits)] as const;
      machine.run('crossEntropyBackward', targets.size, 0, last(logits), ...tensors);
    },
    sampleToken({ logits, settings, random, ids, logProbability }) {
      const floats = (tensor: Tensor) => machine.floats(at(tensor), tensor.size);
      drawTokens({
        logits: floats(logits),
        settings: floats(settings),
        V: last(logits),
        random: machine.integers(at(random), random.size),
        ids: machine.integers(at(ids), ids.size),
        logProbability: logProbability && floats(logProbability),
      });
    },
    squaredNorm({ xs, y }) {
      let sum = 0;
      for (const x of xs) sum += machine.call('sumSquares', x.size, at(x));
      machine.floats(at(y), 1)[0] = sum;
    },
    adamw({ weights, grads, m, v, weightDecay, learningRate, beta1, beta2, eps, step, clip, squaredNorm }) {
      const norm = Math.sqrt(machine.floats(at(squaredNorm), 1)[0]!);
      if (!Number.isFinite(norm)) return;
      const scale = Math.min(1, clip / (norm + 1e-6));
      const rate = learningRate / (1 - beta1 ** step);
      const correction = 1 / Math.sqrt(1 - beta2 ** step);
      const betas = [beta1, 1 - beta1, beta2, 1 - beta2] as const;
      weights.forEach((weight, i) => {
        const keep = 1 - learningRate * weightDecay[i]!;
        const tensors = [at(weight), at(grads[i]), at(m[i]), at(v[i])] as const;
        machine.run('adamw', weight.size, 0, ...tensors, scale, keep, ...betas, rate, correction, eps);
      });
    },
  } satisfies Partial<Kernels>;
}
