import { ConfigError } from '@sympow/kernels';
import { gates } from '../gates';
import { softmaxRecurrence } from '../softmaxRecurrence';
import type { AttentionKind } from './api';

/** Attention by softmax, the baseline; with gates the forgetting transformer (arXiv 2503.02130). */
export const softmax: AttentionKind = {
  name: 'softmax',
  says: 'scores exp(q·k/√d), with a cache that grows',
  grows: true,
  make({ gate }) {
    if (gate.width === 'd') {
      const names = gates.flatMap(({ name, width }) => (width === 'd' ? [] : [name]));
      const some = `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
      throw new ConfigError({
        what: 'gate',
        value: gate.name,
        expected: `${some} with softmax attention`,
        remedy: 'Attention wall has a gate per key channel.',
      });
    }
    return softmaxRecurrence();
  },
  stateTensor: () => 0,
  streamFlops: ({ heads: H, headSize: d }, length) => (2 * H * (d + d) * (length + 1)) / 2,
  sequenceFlops: (settings, length) => softmax.streamFlops(settings, length),
  tapeFloats: () => 0,
};
