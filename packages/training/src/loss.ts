/** The mean cross-entropy of a batch: what training lowers and evaluation reports. */

import { Tape, type Variable } from '@sympow/autograd';
import { gatherNumbers, oneProcess, rounds, type Communicator } from '@sympow/core';
import { evaluationStreams, type Batch, type EvaluationStreams } from '@sympow/data';
import { ConfigError, nextTurn, type Tensor } from '@sympow/kernels';
import type { Model } from '@sympow/model';
import type { EvaluationOptions } from './api';

/** Losses of the tokens of a batch, and what they come to. */
export interface BatchLoss {
  /** [B, T] in nats, 0 where there is no target. */
  readonly tokens: Variable;
  /** Their sum times `scale`, [1]. */
  readonly total: Tensor;
}

/**
 * Runs a batch forward, in the scope at hand.
 *
 * @param gradient - [B, T], that of the losses where it is known beforehand
 * @throws ConfigError for a token outside the model's vocabulary
 */
export function batchLoss(tape: Tape, model: Model, batch: Batch, scale: number, gradient?: Tensor): BatchLoss {
  const { backend } = tape;
  const shape = [batch.batch, batch.context];
  requireTokens(batch, model.config.vocabSize);
  const upload = (numbers: Int32Array) => backend.upload(numbers, shape, 'int32');
  const reset = batch.resets && upload(batch.resets);
  const tokens = model.loss(tape, upload(batch.inputs), upload(batch.targets), { reset, gradient });
  const total = backend.empty([1]);
  backend.kernels.sumRows({ x: backend.view(tokens.value, [tokens.value.size, 1]), scale, y: total });
  return { tokens, total };
}

/** How many tokens of a batch have a target. */
export function targetCount({ targets }: Batch): number {
  let count = 0;
  for (const target of targets) if (target >= 0) count++;
  return count;
}

/**
 * The mean cross-entropy of a batch in nats per target, without recording; 0 if there is no target.
 *
 * @throws ConfigError for a token outside the model's vocabulary
 * @example
 * ```ts
 * const batch = await trainingBatches(source, { batch: 4, context: 256 }).next();
 * console.log(await lossOf(model, batch)); // close to log(vocabSize) before training
 * ```
 */
export async function lossOf(model: Model, batch: Batch): Promise<number> {
  const { backend } = model;
  const total = backend.scope((keep) => {
    const tape = new Tape(backend, { record: false });
    return keep(batchLoss(tape, model, batch, 1 / Math.max(1, targetCount(batch))).total);
  });
  try {
    return (await total.read())[0]!;
  } finally {
    total.dispose();
  }
}

/** The streams that {@link heldOutLoss} reads. @throws DataError or ConfigError if the data do not hold them */
export function heldOutStreams({ data, batch, context, rows }: Required<EvaluationOptions>): EvaluationStreams {
  return evaluationStreams(data, { length: context, batch, maximum: rows });
}

/**
 * The mean cross-entropy of streams in nats per target, each group of them read by one of the processes; nothing if the signal of one came
 * before the end.
 */
export async function heldOutLoss(
  model: Model,
  streams: EvaluationStreams,
  signal: AbortSignal | undefined,
  communicator: Communicator = oneProcess,
): Promise<number | undefined> {
  let sum = 0;
  let count = 0;
  for await (const round of rounds(streams, communicator)) {
    const stops = signal?.aborted ?? false;
    const group = stops ? undefined : round[communicator.rank];
    const own = [stops ? 1 : 0];
    for await (const batch of group?.pieces(streams.length) ?? [])
      own.push(targetCount(batch), await lossOf(model, batch));
    const all = await gatherNumbers(communicator, own);
    if (all.some((numbers) => numbers[0] !== 0)) return undefined;
    for (const [, targets = 0, loss = 0] of all) {
      sum += targets * loss;
      count += targets;
    }
    await nextTurn();
  }
  return sum / count;
}

/** A target out of range would read other memory. */
function requireTokens({ inputs, targets }: Batch, vocabSize: number): void {
  for (const tokens of [inputs, targets]) {
    for (const token of tokens) {
      if (token < vocabSize && (token >= 0 || tokens === targets)) continue;
      const remedy = 'Use a tokenizer and a model that belong together.';
      throw new ConfigError({ what: 'a token', value: token, expected: `0 to ${vocabSize - 1}`, remedy });
    }
  }
}
