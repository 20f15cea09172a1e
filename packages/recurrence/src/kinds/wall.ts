import { ConfigError } from '@sympow/kernels';
import { gates } from '../gates';
import { softmaxRecurrence } from '../softmaxRecurrence';
import type { AttentionKind } from './api';
import { softmax } from './softmax';

/** Softmax whose keys forget by channel: Σ_c q_ic k_jc e^{A_ic − A_jc}. It needs no rotary phases. */
export const wall: AttentionKind = {
  name: 'wall',
  says: 'softmax with a forget gate per key channel, with a cache that grows',
  grows: true,
  make({ gate }) {
    if (gate.width !== 'd') {
      const some = gates.flatMap(({ name, width }) => (width === 'd' ? [name] : []));
      throw new ConfigError({ what: 'gate', value: gate.name, expected: `${some.join(' or ')} with wall attention` });
    }
    return softmaxRecurrence({ channels: true });
  },
  stateTensor: () => 0,
  // Beside what softmax does, each channel of a key is decayed.
  streamFlops: (settings, length) =>
    softmax.streamFlops(settings, length) + settings.keyValueHeads * settings.headSize * (length + 1),
  sequenceFlops: (settings, length) => wall.streamFlops(settings, length),
  // Sums of gates, in two planes.
  tapeFloats: ({ keyValueHeads: G, headSize: d }, length) => 2 * length * G * d,
};
