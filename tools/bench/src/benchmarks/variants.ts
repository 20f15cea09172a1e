/** A training step of each variant of the model against the softmax one. */

import type { Variant } from '@sympow/model';
import type { Benchmark, Setting } from '../benchmark';
import { expectClose, expectSlope } from '../check';
import { race } from '../measure';
import { lossOf } from '../modelDefinition';
import { normals } from '../numbers';
import { batchOf, smallModel, Training, trainingSizes, weightsOf } from '../training';

/** Those of the paper, and the two of them that say most. */
const all: readonly Variant[] = ['softmax', 'sympow', 'gated', 'conformal'];
const few: readonly Variant[] = ['softmax', 'conformal'];

export const variantSteps: Benchmark = {
  name: 'variants',
  summary: 'a training step of softmax, sympow, gated and conformal',
  onBackend: true,
  async *run({ backend, pace, quick, say }) {
    const names = quick ? few : all;
    const { layers, B, T } = trainingSizes(quick);
    for (const name of names) await expectDefinition(backend, name);
    const trainings = names.map((name) => [name, new Training(backend, smallModel(name, layers), { B, T })] as const);
    const sides = trainings.map(
      ([name, training]) => [name, { run: () => training.step(), settle: () => training.settle() }] as const,
    );
    say(`${names.length} variants take turns`);
    const seconds = await race(Object.fromEntries(sides), {
      ...pace,
      warmUp: 4 * pace.warmUp,
      budget: 4 * pace.budget,
    });
    for (const [, training] of trainings) training.dispose();
    const milliseconds = (name: Variant) => 1e3 * seconds[name]!;
    for (const name of names.filter((each) => each !== 'softmax')) {
      yield {
        shape: `${name}, ${layers} layers of 128, ${B}×${T} tokens`,
        ours: milliseconds(name),
        peer: milliseconds('softmax'),
        peerName: 'our softmax',
        unit: 'ms',
      };
    }
  },
};

/** The loss and all gradients at once, on a short text, against the definition of the model. */
async function expectDefinition(backend: Setting['backend'], variant: Variant): Promise<void> {
  const config = smallModel(variant, 1);
  const batch = { B: 1, T: 24 };
  const { inputs, targets } = batchOf(batch, config.vocabSize);
  const training = new Training(backend, config, batch);
  const { loss, gradients } = await training.look();
  training.dispose();
  const weights = weightsOf(config);
  const names = [...weights.keys()];
  const definition = (values: readonly ArrayLike<number>[]) =>
    lossOf(config, new Map(names.map((name, i) => [name, values[i]!])), inputs, targets);
  const slopes = [...weights].map(([name, { data }]) => ({
    value: data,
    gradient: gradients.get(name)!,
    direction: normals(`direction of ${name}`, data.length, 0.02),
  }));
  expectClose(`the loss of ${variant}`, [loss], [definition(slopes.map(({ value }) => value))], 1e-5);
  expectSlope(variant, definition, slopes, 1e-3);
}
