// Products of matrices: whether each tile is right in each layout, and how fast.
import { selfCheck } from '../../packages/backend-webgpu/src/selfCheck';
import { normals, off, type Subject } from './subject';

type Sizes = readonly [m: number, n: number, k: number];

const layouts = [
  { name: 'a·b', transposeA: false, transposeB: false },
  { name: 'a·bᵀ', transposeA: false, transposeB: true },
  { name: 'aᵀ·b', transposeA: true, transposeB: false },
  { name: 'aᵀ·bᵀ', transposeA: true, transposeB: true },
] as const;

/** Does the backend open, its check passed? And, whatever that says, how wrong is each tile in each layout? */
export async function check(subject: Subject): Promise<void> {
  const backend = await subject.open();
  const { notes } = backend.capabilities;
  subject.say('device', { notes, ...backend.adapter.limits, matrixUnits: backend.adapter.matrixUnits });
  try {
    await selfCheck(backend, subject.productsOn(backend.adapter));
    subject.say('its own check passed');
  } catch (error) {
    subject.say('its own check FAILED', { error: (error as Error).message });
  }
  const shapes: readonly Sizes[] = subject.tiny
    ? [[40, 36, 68]]
    : [
        [136, 72, 2052],
        [72, 12300, 68],
        [2048, 2048, 512],
        [4096, 768, 768],
        [4096, 4096, 4096],
      ];
  for (const [m, n, k] of shapes) {
    for (const { name, transposeA, transposeB } of layouts) {
      if (subject.left() < 3) return;
      const [left, right] = [normals('a', m * k), normals('b', k * n)];
      const a = backend.upload(left, transposeA ? [k, m] : [m, k]);
      const b = backend.upload(right, transposeB ? [n, k] : [k, n]);
      const y = backend.empty([m, n]);
      backend.kernels.matmul({ a, b, y, transposeA, transposeB });
      const numbers = await y.read();
      for (const tensor of [a, b, y]) tensor.dispose();
      // Places all over the result, in every row and column of a matrix.
      const places = Array.from(
        { length: 1500 },
        (_, i) => [(i * 131 + (i >> 4)) % m, (i * 37 + (i >> 5)) % n] as const,
      );
      const exact = places.map(([row, column]) => {
        let sum = 0;
        for (let x = 0; x < k; x++)
          sum += left[transposeA ? x * m + row : row * k + x]! * right[transposeB ? column * k + x : x * n + column]!;
        return sum;
      });
      const ours = places.map(([row, column]) => numbers[row * n + column]!);
      const wrong = places.filter((_, i) => !(Math.abs(ours[i]! - exact[i]!) < 0.05 * Math.sqrt(k)));
      const first = wrong.slice(0, 6).join(' ');
      subject.say(`matmul ${m}×${k}·${k}×${n} ${name}`, {
        error: off(ours, exact),
        wrong: wrong.length,
        of: 1500,
        first,
      });
    }
  }
}

/** How fast products are, in three layouts. `check` says whether they are right. */
export async function matmul(subject: Subject): Promise<void> {
  const backend = await subject.open();
  const shapes: readonly Sizes[] = subject.tiny
    ? [[64, 64, 64]]
    : [
        [4096, 4096, 4096],
        [4096, 768, 768],
        [4096, 3072, 768],
        [4096, 50304, 768],
        [768, 3072, 4096],
        [1, 50304, 768],
        [1, 3072, 768],
      ];
  for (const [m, n, k] of shapes) {
    for (const { name, transposeA, transposeB } of layouts.slice(0, 3)) {
      if (subject.left() < 3) return;
      const a = backend.upload(normals('a', m * k), transposeA ? [k, m] : [m, k]);
      const b = backend.upload(normals('b', k * n), transposeB ? [n, k] : [k, n]);
      const y = backend.empty([m, n]);
      const run = () => backend.kernels.matmul({ a, b, y, transposeA, transposeB });
      const ms = await subject.time(backend, run, { rounds: 7, least: 40 });
      const bytes = 4 * (m * k + k * n + m * n);
      subject.say(`matmul ${m}×${k}·${k}×${n} ${name}`, {
        ms,
        TFLOPs: (2 * m * k * n) / ms / 1e9,
        GBs: bytes / ms / 1e6,
      });
      for (const tensor of [a, b, y]) tensor.dispose();
    }
  }
}
