/** A few steps of training, and the losses that every engine and backend must find in them; for tests only. */

import { textSource } from '@sympow/data';
import type { Backend } from '@sympow/kernels';
import { Model, modelConfig, variants } from '@sympow/model';
import { train } from './train';

/** Before each of {@link fewSteps}, in nats. */
export const fewLosses: readonly number[] = [
  5.589995, 5.393858, 4.892822, 4.361588, 3.975509, 3.749494, 3.622292, 3.566178,
];

/** Trains a small conformal model; the losses. */
export async function fewSteps(backend: Backend): Promise<number[]> {
  const shape = { vocabSize: 256, hiddenSize: 32, layers: 2, heads: 2, headSize: 16 };
  const model = Model.create(backend, modelConfig({ ...variants.conformal, ...shape }), { seed: 1 });
  const data = textSource('to be or not to be, that is the question. '.repeat(40));
  const losses: number[] = [];
  for await (const event of train({ model, data, batch: 4, context: 64, steps: 8, learningRate: 1e-2, warmup: 2 })) {
    if (event.type === 'step') losses.push(event.loss);
  }
  model.dispose();
  return losses;
}
