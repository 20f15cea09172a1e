/**
 * The targets of a group of streams where there are few of them: what a model thinks of each, and whether it is the first choice.
 * Logits are computed and read only for the stretches that hold a target.
 */

import { sliceRows, Tape } from '@sympow/autograd';
import type { StreamGroup, StreamPiece } from '@sympow/data';
import { breathing, type Tensor } from '@sympow/kernels';
import type { Model, ModelMemory } from '@sympow/model';
import { requireTokens } from './streamLosses';

/** A token that was to be predicted. */
export interface TargetScore {
  readonly row: number;
  /** Position of the input after which it follows. */
  readonly position: number;
  /** In nats. */
  readonly logProbability: number;
  /** Whether no token is more likely; false where the model's numbers are not numbers. */
  readonly greedy: boolean;
}

/** A score as four numbers that processes exchange. */
export function toNumbers({ row, position, logProbability, greedy }: TargetScore): number[] {
  return [row, position, logProbability, greedy ? 1 : 0];
}

/** Scores from their {@link toNumbers}. */
export function fromNumbers(numbers: Float64Array): TargetScore[] {
  return Array.from({ length: numbers.length / 4 }, (_, i) => {
    const [row, position, logProbability, greedy] = numbers.subarray(4 * i, 4 * i + 4);
    return { row: row!, position: position!, logProbability: logProbability!, greedy: greedy === 1 };
  });
}

/** A piece that has been read, with the targets in it. */
export interface PieceTargets {
  readonly position: number;
  readonly context: number;
  readonly scores: readonly TargetScore[];
  readonly memoryBytes: number;
}

/**
 * Reads a group from its beginning.
 *
 * @throws DataError for tokens that the model does not have
 * @throws the signal's reason when aborted
 */
export async function* readTargets(
  model: Model,
  group: Pick<StreamGroup, 'batch' | 'pieces'>,
  piece: number,
  signal?: AbortSignal,
): AsyncGenerator<PieceTargets, void, undefined> {
  const memory = model.memory(group.batch);
  const breathe = breathing();
  try {
    for await (const part of group.pieces(piece)) {
      await breathe();
      signal?.throwIfAborted();
      requireTokens(part, model.config.vocabSize);
      const { position, context } = part;
      yield { position, context, scores: await readPiece(model, part, memory), memoryBytes: memory.bytes };
    }
  } finally {
    memory.dispose();
  }
}

async function readPiece(model: Model, part: StreamPiece, memory: ModelMemory): Promise<TargetScore[]> {
  const { batch, context, targets } = part;
  const asked = Array.from({ length: context }, (_, t) => t).filter((t) => isAsked(part, t));
  const [first, last] = [asked[0] ?? context - 1, asked.at(-1) ?? context - 1];
  const logits = forward(model, part, memory, first, last + 1 - first);
  try {
    // Nothing waits for a piece without a question: the device goes on reading.
    if (asked.length === 0) return [];
    const numbers = await logits.read();
    const V = model.config.vocabSize;
    return asked.flatMap((t) =>
      Array.from({ length: batch }, (_, row) => row)
        .filter((row) => targets[row * context + t]! >= 0)
        .map((row) => {
          const at = (row * (last + 1 - first) + t - first) * V;
          const score = scoreOf(numbers.subarray(at, at + V), targets[row * context + t]!);
          return { row, position: part.position + t, ...score };
        }),
    );
  } finally {
    logits.dispose();
  }
}

function isAsked({ batch, context, targets }: StreamPiece, t: number): boolean {
  for (let row = 0; row < batch; row++) if (targets[row * context + t]! >= 0) return true;
  return false;
}

/** Logits [B, count, V] from position `from` of a piece on. */
function forward(model: Model, part: StreamPiece, memory: ModelMemory, from: number, count: number): Tensor {
  const { backend } = model;
  return backend.scope((keep) => {
    const tape = new Tape(backend, { record: false });
    const tokens = backend.upload(part.inputs, [part.batch, part.context]);
    const lastOnly = from === part.context - 1;
    const logits = model.forward(tape, tokens, { memory, lastOnly });
    return keep((lastOnly ? logits : sliceRows(tape, logits, from, count)).value);
  });
}

function scoreOf(logits: ArrayLike<number>, target: number): Pick<TargetScore, 'logProbability' | 'greedy'> {
  let top = -Infinity;
  for (let i = 0; i < logits.length; i++) top = Math.max(top, logits[i]!);
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i]! - top);
  return { logProbability: logits[target]! - top - Math.log(sum), greedy: logits[target] === top };
}
