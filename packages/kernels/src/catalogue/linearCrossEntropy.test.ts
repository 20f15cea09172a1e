// How the rows are shared out among blocks; that blocks change nothing is what the conformance cases say.
import { expect, it, vi } from 'vitest';
import type { Backend } from '../api';
import { js } from '../js';

const [V, n] = [7, 3];

/** Rows of each block of `all`, where blocks of `most` rows fit, and the losses. */
async function blocksOf(all: number, most: number) {
  await using backend = await js().open();
  const { kernels } = Object.assign(backend as { capabilities: Backend['capabilities'] } & Backend, {
    capabilities: { ...backend.capabilities, blockBytes: 4 * V * most },
  });
  const rows: number[] = [];
  const spy = vi.spyOn(kernels, 'crossEntropy');
  const numbers = (size: number) => Float32Array.from({ length: size }, (_, i) => Math.sin(i));
  const loss = backend.empty([all]);
  kernels.linearCrossEntropy({
    x: backend.upload(numbers(all * n), [all, n]),
    weight: backend.upload(numbers(V * n), [V, n]),
    targets: backend.upload(
      Int32Array.from({ length: all }, (_, i) => i % V),
      [all],
    ),
    loss,
  });
  for (const [{ logits }] of spy.mock.calls) rows.push(logits.shape[0]!);
  return { rows, losses: backend.readSync!(loss) };
}

it.each<[number, number, number[]]>([
  [1, 1000, [1]],
  [1000, 1000, [1000]],
  [1000, 999, [512, 488]],
  [1300, 600, [512, 512, 276]],
  [257, 128, [128, 128, 1]],
  [300, 127, [100, 100, 100]],
  [5, 0.5, [1, 1, 1, 1, 1]],
  [0, 10, []],
])('%d rows, of which %d fit', async (all, most, expected) => {
  const { rows, losses } = await blocksOf(all, most);
  expect(rows).toEqual(expected);
  expect(losses).toEqual((await blocksOf(all, Infinity)).losses);
});
