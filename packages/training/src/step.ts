/** One update of a model: forward, mean loss, backward and AdamW, for a batch in one piece or in several. */

import { Tape, type Variable } from '@sympow/autograd';
import type { Batch } from '@sympow/data';
import { ConfigError, type Tensor } from '@sympow/kernels';
import { weightsChanged, type Model } from '@sympow/model';
import type { AdamW } from './adamw';
import { batchLoss, targetCount } from './loss';

/** What an update says about itself, on the device until it is read. The caller disposes of both. */
export interface StepReport {
  /** The mean cross-entropy in nats per target, before the update, [1]. */
  readonly loss: Tensor;
  /** Σ g² of the gradients before clipping, [1]. Where it is not finite, nothing was changed. */
  readonly squaredNorm: Tensor;
}

/**
 * Enqueues one update; nothing is waited for. The gradient is that of the mean over all targets of all `batches`, so pieces
 * give what one big batch gives, up to rounding, in the memory of the largest piece.
 *
 * @throws ConfigError if there is no batch, or for a token outside the model's vocabulary
 * @example
 * ```ts
 * const optimizer = new AdamW(backend, model.trained, model.decays);
 * const { loss, squaredNorm } = trainingStep(model, optimizer, [await batches.next()], 1e-3);
 * console.log(await loss.read());
 * loss.dispose();
 * squaredNorm.dispose();
 * ```
 */
export function trainingStep(
  model: Model,
  optimizer: AdamW,
  batches: readonly Batch[],
  learningRate: number,
): StepReport {
  if (batches.length === 0) throw new ConfigError({ what: 'batches', value: 0, expected: 'at least one' });
  return model.backend.scope((keep) => {
    const { loss, gradients } = gradientsOf(model, batches, targetsIn(batches));
    return { loss: keep(loss), squaredNorm: keep(optimizer.update(gradients, learningRate)) };
  });
}

/** Targets of all batches together. */
export function targetsIn(batches: readonly Batch[]): number {
  return batches.reduce((sum, batch) => sum + targetCount(batch), 0);
}

/** Who uses losses and gradients as they come. */
export interface Follower {
  /** The loss is there, and the last backward pass begins. */
  loss(loss: Tensor): void;
  /** The gradient of a parameter is whole, while the pass goes on. */
  gradient(of: Variable, gradient: Tensor): void;
}

/**
 * For an update that follows: the sum of the losses of these batches over a number of targets, [1], and the gradients of it in the
 * order of `model.trained`. All are left to the scope around.
 */
export function gradientsOf(
  model: Model,
  batches: readonly Batch[],
  targets: number,
  follower?: Follower,
): { readonly loss: Tensor; readonly gradients: readonly Tensor[] } {
  const { backend } = model;
  const parameters = [...model.trained.values()];
  weightsChanged(model);
  const tape = new Tape(backend);
  const loss = backend.empty([1]);
  backend.kernels.fill({ value: 0, y: loss });
  const scale = 1 / Math.max(1, targets);
  for (const [i, batch] of batches.entries())
    addGradients(tape, model, parameters, batch, scale, loss, i === batches.length - 1 ? follower : undefined);
  return { loss, gradients: parameters.map((parameter) => tape.gradientOrZero(parameter)) };
}

/** Adds the loss of one piece to `loss`, and its gradients to those that the tape holds. Nothing else is left of it. */
function addGradients(
  tape: Tape,
  model: Model,
  parameters: readonly Variable[],
  batch: Batch,
  scale: number,
  loss: Tensor,
  follower: Follower | undefined,
): void {
  const { backend, kernels } = tape;
  backend.scope((keep) => {
    if (follower) tape.watch(parameters, (leaf) => follower.gradient(leaf, tape.gradientOrZero(leaf)));
    const seed = backend.empty([batch.batch, batch.context]);
    kernels.fill({ value: scale, y: seed });
    const { tokens, total } = batchLoss(tape, model, batch, scale, seed);
    kernels.add({ a: loss, b: total, y: loss });
    follower?.loss(loss);
    tape.backward([[tokens, seed]]);
    for (const parameter of parameters) {
      const gradient = tape.gradient(parameter);
      if (gradient) keep(gradient);
    }
  });
}
