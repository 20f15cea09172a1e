// Whether a backend has room for what a model remembers of its streams. A model that is trained in the form of attention keeps no
// state, so that it may be trained where it can never be read with: that is said before the hours are spent.

import { OutOfMemoryError, type Backend } from '@sympow/kernels';
import { kindsOfLayers, modelSize, type ModelConfig } from '@sympow/model';
import { totalmem } from 'node:os';
import { bytes } from './output';

/** What a backend must say of itself. */
export type Room = Pick<Backend, 'name' | 'capabilities'>;

const smaller = 'Use a smaller power, head size or number of key/value heads.';

/** How large the states of `streams` streams are, where a backend has no room for them. */
export function excess(config: ModelConfig, { name, capabilities }: Room, streams: number): string | undefined {
  const all = streams * modelSize(config, { batch: 1, context: 1 }).stateBytes;
  const tensor = streams * 4 * Math.max(...kindsOfLayers(config).map((kind) => kind.stateTensor(config)));
  const { maxTensorBytes, maxBytes = Infinity } = capabilities;
  const most = Math.min(maxBytes, totalmem());
  const size = `${bytes(all)} for ${streams === 1 ? 'one stream' : `${streams} streams`}`;
  if (tensor > maxTensorBytes) {
    return `${size}, ${bytes(tensor)} of it in one tensor, where the backend ${name} takes at most ${bytes(maxTensorBytes)}`;
  }
  return all > most ? `${size}, where the backend ${name} has at most ${bytes(most)}` : undefined;
}

/** What to say before a model is trained that nothing here can generate or evaluate with. */
export function trainedInVain(config: ModelConfig, room: Room): string | undefined {
  const size = excess(config, room, 1);
  return size && `generate and eval have no room for this model: its state takes ${size}. ${smaller}`;
}

/** @throws OutOfMemoryError with the bytes, where there is no room for the states of `streams` streams of `what` */
export function requireRoom(config: ModelConfig, room: Room, streams: number, what = 'the state'): void {
  const size = excess(config, room, streams);
  if (size === undefined) return;
  throw new OutOfMemoryError({
    what,
    value: size,
    message: `${what} takes ${size}`,
    expected: 'a state that there is room for',
    remedy: excess(config, room, 1) === undefined ? 'Use a smaller batch.' : smaller,
  });
}
