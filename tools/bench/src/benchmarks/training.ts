/** A training step of the softmax model against the same model in jax-js, from the same weights on the same batch. */

import type { Benchmark } from '../benchmark';
import { expectClose } from '../check';
import { race } from '../measure';
import { jax, jaxName } from '../peers/jax';
import { JaxTransformer } from '../peers/jaxTransformer';
import { batchOf, settings, smallModel, Training, trainingSizes, weightsOf } from '../training';

export const training: Benchmark = {
  name: 'training',
  summary: 'a training step against the same model in jax-js',
  onBackend: true,
  async *run({ backend, pace, quick, say }) {
    const { layers, B, T } = trainingSizes(quick);
    const config = smallModel('softmax', layers);
    const { inputs, targets } = batchOf({ B, T }, config.vocabSize);
    const shape = `${layers} layers of ${config.hiddenSize}, ${B}×${T} tokens`;

    const ours = new Training(backend, config, { B, T });
    const weights = weightsOf(config);
    say('jax-js compiles its step');
    const peer = new JaxTransformer(await jax(), { config, batch: B, context: T }, settings, weights, inputs, targets);
    await expectSame(ours, peer, 'at the start');
    // One update can be right by the sign of the gradient alone; after three the moments and their corrections count.
    for (let update = 0; update < 3; update++) {
      ours.step();
      peer.step();
    }
    await expectSame(ours, peer, 'after three updates');

    const side = (model: Training | JaxTransformer) => ({ run: () => model.step(), settle: () => model.settle() });
    const seconds = await race(
      { ours: side(ours), peer: side(peer) },
      { ...pace, warmUp: 4 * pace.warmUp, budget: 2 * pace.budget },
    );
    ours.dispose();
    peer.dispose();
    const row = { shape, peerName: jaxName } as const;
    yield { ...row, ours: 1e3 * seconds.ours, peer: 1e3 * seconds.peer, unit: 'ms' };
    yield { ...row, ours: (B * T) / seconds.ours, peer: (B * T) / seconds.peer, unit: 'tokens/s' };
  },
};

async function expectSame(ours: Training, peer: JaxTransformer, when: string): Promise<void> {
  const [left, right] = [await ours.look(), await peer.look()];
  expectClose(`the loss ${when} (${left.loss}, in jax-js ${right.loss})`, [left.loss], [right.loss], 1e-4);
  for (const [name, gradient] of left.gradients) {
    expectClose(`the gradient of ${name} ${when}`, gradient, right.gradients.get(name)!, 1e-4);
  }
}
