/** What several processes that train one model have in common: rows shared out, the same weights, the files of the first. */

import { gather, type Communicator } from '@sympow/core';
import type { Batch } from '@sympow/data';
import { fingerprintOf, type Model, type Storage } from '@sympow/model';
import { TrainingError } from './errors';

/** The rows of a batch that a process computes. Their number is a multiple of the number of processes. */
export function rowsOf(batch: Batch, { rank, size }: Communicator): Batch {
  const rows = batch.batch / size;
  const part = (numbers: Int32Array) =>
    numbers.subarray(rank * rows * batch.context, (rank + 1) * rows * batch.context);
  const { inputs, targets, resets } = batch;
  return {
    ...batch,
    batch: rows,
    inputs: part(inputs),
    targets: part(targets),
    ...(resets && { resets: part(resets) }),
  };
}

/**
 * Ends all processes where one stands elsewhere than process 0, or has other weights.
 *
 * @throws TrainingError, the same on all
 */
export async function requireSameWeights(model: Model, step: number, communicator: Communicator): Promise<void> {
  if (communicator.size === 1) return;
  const own = `${await fingerprintOf(model)} after ${step} updates`;
  const all = (await gather(communicator, new TextEncoder().encode(own))).map((bytes) =>
    new TextDecoder().decode(bytes),
  );
  const other = all.findIndex((one) => one !== all[0]);
  if (other < 0) return;
  throw new TrainingError({
    what: `checksum of the weights in process ${other}`,
    value: all[other],
    expected: `${all[0]}, as in process 0`,
    remedy: 'Give all processes the same model, options, data and folder of checkpoints. Nothing was saved.',
  });
}

/** What process 0 says, for all. */
export async function fromFirst(communicator: Communicator, say: () => Promise<string>): Promise<string> {
  const bytes = communicator.rank === 0 ? new TextEncoder().encode(await say()) : new Uint8Array();
  return new TextDecoder().decode(await communicator.broadcast(bytes, 0));
}

/**
 * The storage of process 0 for all to read: others need no disk in common with it. All make the same calls in the same order, and each
 * call is done before the next begins.
 */
export function readByFirst(storage: Storage, communicator: Communicator): Storage {
  if (communicator.size === 1) return storage;
  let last: Promise<unknown> = Promise.resolve();
  const first = (ask: () => Promise<Uint8Array>): Promise<Uint8Array> => {
    const own = last.then(async () =>
      communicator.broadcast(communicator.rank === 0 ? await ask() : new Uint8Array(), 0),
    );
    last = own.catch(() => undefined);
    return own;
  };
  const told = async <Answer>(ask: () => Promise<Answer>): Promise<Answer> => {
    const bytes = await first(async () => new TextEncoder().encode(JSON.stringify([await ask()])));
    return (JSON.parse(new TextDecoder().decode(bytes)) as [Answer])[0];
  };
  const shared = (own: Storage): Storage => ({
    path: own.path,
    list: () => told(() => own.list()),
    // JSON has no undefined.
    size: async (name) => (await told(async () => (await own.size(name)) ?? null)) ?? undefined,
    read: (name, begin, end) => first(() => own.read(name, begin, end)),
    write: (name, contents) => own.write(name, contents),
    rename: (from, to) => own.rename(from, to),
    remove: (name) => own.remove(name),
    folder: (name) => shared(own.folder(name)),
  });
  return shared(storage);
}
