/** AdamW over a list of parameters, and the squared gradient norm that clipping needs. */

import type { Kernels } from '@sympow/kernels';
import type { Machine } from '../machine';
import { groupsOf256, vectors } from './arithmetic';

/** Workgroups that one tensor's squares are summed by at most. */
const mostParts = 1024;

export function optimizer(machine: Machine): Pick<Kernels, 'adamw' | 'squaredNorm'> {
  return {
    adamw({ weights, grads, m, v, weightDecay, learningRate, beta1, beta2, eps, step, clip, squaredNorm }) {
      const { backend } = squaredNorm;
      const params = {
        beta1,
        rest1: 1 - beta1,
        beta2,
        rest2: 1 - beta2,
        eps,
        // Still beyond every norm, and finite after the division by the smallest.
        clip: Math.min(clip, 1e30),
      };
      backend.scope(() => {
        // In a tensor, so that launches are the same in every step.
        const changing = [learningRate, learningRate / (1 - beta1 ** step), 1 / Math.sqrt(1 - beta2 ** step)];
        const numbers = backend.upload(changing, [3]);
        weights.forEach((weight, i) => {
          const size = vectors(weight);
          machine.launch('adamw', {
            tensors: { step: numbers, squared_norm: squaredNorm, grad: grads[i], weight, m: m[i], v: v[i] },
            params: { size, weight_decay: weightDecay[i]!, ...params },
            groups: groupsOf256(size),
          });
        });
      });
    },
    squaredNorm({ xs, y }) {
      y.backend.scope(() => {
        const partsOf = (size: number) => Math.max(1, Math.min(mostParts, groupsOf256(size)));
        const count = xs.reduce((sum, x) => sum + partsOf(x.size), 0);
        const parts = y.backend.empty([count]);
        let at = 0;
        for (const x of xs) {
          const groups = partsOf(x.size);
          machine.launch('squared_norm', { tensors: { x, y: parts }, params: { size: x.size, at }, groups });
          at += groups;
        }
        const params = { size: count, at: 0 };
        machine.launch('squared_norm', { flags: ['last'], tensors: { x: parts, y }, params, groups: 1 });
      });
    },
  };
}
