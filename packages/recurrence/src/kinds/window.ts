import { softmaxRecurrence } from '../softmaxRecurrence';
import type { AttentionKind } from './api';
import { softmax } from './softmax';

/** Attention by softmax over the last W tokens, `slidingWindow` of the configuration: a memory of constant size. */
export const window: AttentionKind = {
  name: 'window',
  says: 'scores exp(q·k/√d) over the last tokens, with a cache of constant size',
  grows: false,
  make(settings, compute) {
    // What softmax refuses, this does.
    softmax.make(settings, compute);
    return softmaxRecurrence({ window: settings.slidingWindow });
  },
  stateTensor: ({ keyValueHeads: G, headSize: d, slidingWindow: W }) => W * G * d,
  streamFlops: (settings, length) => settings.heads * 4 * settings.headSize * seen(settings.slidingWindow, length),
  sequenceFlops: (settings, length) => window.streamFlops(settings, length),
  tapeFloats: () => 0,
};

/** Tokens that a token sees, on the average over the first `length`. */
function seen(W: number, length: number): number {
  const full = Math.max(0, length - W);
  const growing = length - full;
  return (growing * (growing + 1)) / 2 / length + (full * W) / length;
}
