/** Powers of two that keep φ of a head's keys, and the states that it makes, within the range of a float. */

import type { Kernels, Tensor } from '@sympow/kernels';
import type { Machine } from '../machine';
import { groupsOf256 } from './arithmetic';

/** Numbers that a workgroup looks at. */
const share = 4096;

export function scale(machine: Machine): Pick<Kernels, 'keyScale' | 'scaleHeads'> {
  /** Bits of the largest finite |x| of each head, x being [B, T, G, d]. */
  const largest = (x: Tensor, [B, T, G, d]: readonly [number, number, number, number]): Tensor => {
    const bits = x.backend.empty([B, G], 'int32');
    machine.launch('fill', {
      tensors: { y: bits },
      params: { size: Math.ceil(bits.size / 4), bits: 0 },
      groups: groupsOf256(Math.ceil(bits.size / 4)),
    });
    const shares = Math.ceil((T * d) / share);
    machine.launch('largest_of_heads', {
      tensors: { x, largest: bits },
      params: { length: T, heads: G, d, shares, share },
      groups: B * G * shares,
    });
    return bits;
  };
  return {
    keyScale({ k, Z, power, scale: y }) {
      const [B, T, G, d] = k.shape as [number, number, number, number];
      y.backend.scope(() => {
        const keys = largest(k, [B, T, G, d]);
        const state = Z && largest(Z, [B, 1, G, Z.shape[2]!]);
        machine.launch('key_scale', {
          tensors: { keys, state, scale: y },
          params: { size: B * G, power },
          groups: groupsOf256(B * G),
        });
      });
    },
    scaleHeads({ x, scale: factors, times, y }) {
      const [, T, G, d] = x.shape as [number, number, number, number];
      machine.launch('scale_heads', {
        tensors: { x, scale: factors, y },
        params: { size: x.size, length: T, heads: G, d, times: Math.abs(times), divide: times < 0 ? 1 : 0 },
        groups: groupsOf256(x.size),
      });
    },
  };
}
