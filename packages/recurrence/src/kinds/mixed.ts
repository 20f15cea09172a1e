import { mixedRecurrence } from '../mixedRecurrence';
import type { AttentionKind } from './api';
import { power } from './power';
import { softmax } from './softmax';

const parts = [softmax, power] as const;

/**
 * g·softmax + (1 − g)·power, for the conversion of softmax models: g is a weight `mix` of every layer that begins at 1 and that no
 * gradient moves; training takes it to 0 with `anneal`. From there on the layer answers as power attention with the same weights.
 */
export const mixed: AttentionKind = {
  name: 'mixed',
  says: 'softmax that a schedule turns into power, with the memory of both',
  grows: true,
  parameters: () => ({ mix: { shape: [1], init: { value: 1 }, decays: false, trained: false } }),
  inputs: (_tape, _h, weight) => ({ mix: weight('mix') }),
  make: (settings, compute) => mixedRecurrence(softmax.make(settings, compute), power.make(settings, compute)),
  stateTensor: (settings) => power.stateTensor(settings),
  streamFlops: (settings, length) => parts.reduce((sum, part) => sum + part.streamFlops(settings, length), 0),
  sequenceFlops: (settings, length, compute) =>
    parts.reduce((sum, part) => sum + part.sequenceFlops(settings, length, compute), 0),
  // Beside what both keep: both answers, and each times its share.
  tapeFloats: (settings, length, compute) =>
    parts.reduce((sum, part) => sum + part.tapeFloats(settings, length, compute), 0) +
    4 * length * settings.heads * settings.headSize,
};
