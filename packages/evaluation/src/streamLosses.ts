/** The losses of a group of streams, read side by side through one memory of the model, piece by piece. */

import { Tape } from '@sympow/autograd';
import { DataError, type StreamGroup, type StreamPiece } from '@sympow/data';
import { breathing, type Tensor, type TypedArray } from '@sympow/kernels';
import type { Model, ModelMemory } from '@sympow/model';

/** A piece that has been read. */
export interface PieceLosses extends StreamPiece {
  /** [B, T] nats. */
  readonly losses: TypedArray;
  /** Bytes of the model's memory of the whole group, after this piece or the next. */
  readonly memoryBytes: number;
  /** That this piece took: to be enqueued, or computed where the backend computes at once, and then waited for. */
  readonly seconds: number;
}

const logitBytes = 2 ** 26;

/** Tokens that are read at once unless the caller says otherwise; see `LossByPositionOptions.piece`. */
export function defaultPiece(batch: number, vocabSize: number): number {
  const windows = Math.floor(logitBytes / (4 * batch * vocabSize) / 64);
  return 64 * Math.min(8, Math.max(1, windows));
}

/**
 * Reads a group from its beginning. While the losses of a piece are on their way from the device, the next piece is computed.
 *
 * @throws DataError for tokens that the model does not have
 * @throws the signal's reason when aborted
 */
export async function* readGroup(
  model: Model,
  group: StreamGroup,
  piece: number,
  signal?: AbortSignal,
): AsyncGenerator<PieceLosses, void, undefined> {
  const memory = model.memory(group.batch);
  const underWay: Reading[] = [];
  const breathe = breathing();
  try {
    for await (const part of group.pieces(piece)) {
      // A backend that computes at once never lets timers or signals through by itself.
      await breathe();
      signal?.throwIfAborted();
      requireTokens(part, model.config.vocabSize);
      underWay.push(startReading(model, part, memory));
      if (underWay.length > 1) yield await finishReading(underWay.shift()!, memory);
    }
    while (underWay.length > 0) yield await finishReading(underWay.shift()!, memory);
  } finally {
    for (const { loss } of underWay) loss.dispose();
    memory.dispose();
  }
}

interface Reading {
  readonly part: StreamPiece;
  readonly loss: Tensor;
  readonly losses: Promise<TypedArray>;
  readonly seconds: number;
}

function startReading(model: Model, part: StreamPiece, memory: ModelMemory): Reading {
  const { backend } = model;
  const shape = [part.batch, part.context];
  const start = performance.now();
  const loss = backend.scope((keep) => {
    const tape = new Tape(backend, { record: false });
    const [tokens, targets] = [backend.upload(part.inputs, shape), backend.upload(part.targets, shape)];
    return keep(model.loss(tape, tokens, targets, { memory }).value);
  });
  const losses = loss.read();
  // Whoever stops before this piece's turn must not leave a rejection that nobody handles.
  losses.catch(() => undefined);
  return { part, loss, losses, seconds: secondsSince(start) };
}

async function finishReading({ part, loss, losses, seconds }: Reading, memory: ModelMemory): Promise<PieceLosses> {
  const start = performance.now();
  try {
    return { ...part, losses: await losses, memoryBytes: memory.bytes, seconds: seconds + secondsSince(start) };
  } finally {
    loss.dispose();
  }
}

function secondsSince(start: number): number {
  return (performance.now() - start) / 1000;
}

/** Ids out of range would read as NaN losses, as if the model had failed. */
export function requireTokens({ inputs, targets, batch, context, position }: StreamPiece, vocabSize: number): void {
  for (let i = 0; i < batch * context; i++) {
    const token = Math.max(inputs[i]!, targets[i]!);
    if (inputs[i]! >= 0 && token < vocabSize) continue;
    throw new DataError({
      what: `a token near position ${position + (i % context)}`,
      value: inputs[i]! < 0 ? inputs[i]! : token,
      expected: `at least 0 and less than the model's vocabulary of ${vocabSize}`,
      remedy: 'Use the tokenizer that the model was trained with.',
    });
  }
}
