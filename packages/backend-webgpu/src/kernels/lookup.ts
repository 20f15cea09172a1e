/** Token embedding, the loss of the tokens that follow, and the choice of one. */

import type { Kernels } from '@sympow/kernels';
import type { Machine } from '../machine';
import { groupsOf256, vectors } from './arithmetic';

type Lookup = Pick<Kernels, 'embed' | 'embedBackward' | 'crossEntropy' | 'crossEntropyBackward' | 'sampleToken'>;

export function lookup(machine: Machine): Lookup {
  const tableOf = (n: number, size: number) => {
    const width = n % 4 === 0 ? 4 : 1;
    return { flags: width === 4 ? ['wide'] : [], n: n / width, size: size / width };
  };
  return {
    embed({ ids, weight, y }) {
      const { flags, n, size } = tableOf(weight.shape[1]!, y.size);
      const params = { size, n, count: weight.shape[0]! };
      machine.launch('embed', { flags, tensors: { ids, weight, y }, params, groups: groupsOf256(size) });
    },
    embedBackward({ ids, dy, dweight }) {
      const size = vectors(dweight);
      machine.launch('fill', { tensors: { y: dweight }, params: { size, bits: 0 }, groups: groupsOf256(size) });
      const { flags, n } = tableOf(dweight.shape[1]!, dy.size);
      const params = { rows: ids.size, n, count: dweight.shape[0]! };
      machine.launch('embed_backward', {
        flags,
        tensors: { ids, dy, dweight },
        params,
        groups: ids.size * groupsOf256(n),
      });
    },
    crossEntropy({ logits, targets, loss }) {
      const params = { n: logits.shape.at(-1)! };
      machine.launch('cross_entropy', { tensors: { logits, targets, loss }, params, groups: targets.size });
    },
    crossEntropyBackward({ logits, targets, dloss, dlogits }) {
      const params = { n: logits.shape.at(-1)! };
      machine.launch('cross_entropy', { tensors: { logits, targets, dloss, dlogits }, params, groups: targets.size });
    },
    sampleToken({ logits, settings, random, ids, logProbability }) {
      const tensors = { logits, settings, random, ids, logProbability };
      machine.launch('sample_token', { tensors, params: { n: logits.shape[1]! }, groups: ids.size });
    },
  };
}
