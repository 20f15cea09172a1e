/** What training steps add to the memory of this process, which is to have done nothing before. */

import type { BackendFactory } from '@sympow/kernels';
import { collectGarbage } from './measure';
import { jax } from './peers/jax';
import { JaxTransformer } from './peers/jaxTransformer';
import { batchOf, settings, smallModel, Training, trainingSizes, weightsOf } from './training';

export interface StepMemory {
  /** Most resident bytes of the process over all its life, less those before the model was made. */
  readonly bytes: number;
  /** After the steps, for the check that both sides did the same. */
  readonly loss: number;
}

/** Three steps of the softmax model: of ours on a backend, or with `side` jax-js of the peer's. */
export async function stepMemory(side: string, factory: BackendFactory, quick: boolean): Promise<StepMemory> {
  const { layers, B, T } = trainingSizes(quick);
  const config = smallModel('softmax', layers);
  const start = side === 'jax-js' ? await peer() : await ours();
  collectGarbage();
  const before = process.memoryUsage.rss();
  const model = start();
  for (let step = 0; step < 3; step++) {
    model.step();
    await model.settle();
  }
  const bytes = process.resourceUsage().maxRSS * 1024 - before;
  return { bytes, loss: (await model.look()).loss };

  async function ours() {
    const backend = await factory.open();
    return () => new Training(backend, config, { B, T });
  }
  async function peer() {
    const library = await jax();
    return () => {
      const { inputs, targets } = batchOf({ B, T }, config.vocabSize);
      return new JaxTransformer(
        library,
        { config, batch: B, context: T },
        settings,
        weightsOf(config),
        inputs,
        targets,
      );
    };
  }
}
