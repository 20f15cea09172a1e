/** Activations and their gradients, one number for one. */

import type { Kernels, UnaryArgs, UnaryBackwardArgs } from '@sympow/kernels';
import type { Machine } from '../machine';
import { groupsOf256, vectors } from './arithmetic';

type Pointwise = Pick<
  Kernels,
  | 'gelu'
  | 'geluBackward'
  | 'logSigmoid'
  | 'logSigmoidBackward'
  | 'onePlusTanh'
  | 'onePlusTanhBackward'
  | 'swiglu'
  | 'swigluBackward'
>;

export function pointwise(machine: Machine): Pointwise {
  const forward = (operation: string) => (tensors: UnaryArgs) => {
    const size = vectors(tensors.y);
    machine.launch('pointwise', {
      imports: { operation },
      tensors: { ...tensors },
      params: { size },
      groups: groupsOf256(size),
    });
  };
  const backward = (operation: string) => (tensors: UnaryBackwardArgs) => {
    const size = vectors(tensors.dx);
    machine.launch('pointwise', {
      imports: { operation },
      tensors: { ...tensors },
      params: { size },
      groups: groupsOf256(size),
    });
  };
  return {
    gelu: forward('gelu'),
    geluBackward: backward('gelu'),
    logSigmoid: forward('log_sigmoid'),
    logSigmoidBackward: backward('log_sigmoid'),
    onePlusTanh: forward('one_plus_tanh'),
    onePlusTanhBackward: backward('one_plus_tanh'),
    swiglu(tensors) {
      const size = vectors(tensors.y);
      machine.launch('swiglu', { tensors: { ...tensors }, params: { size }, groups: groupsOf256(size) });
    },
    swigluBackward(tensors) {
      const size = vectors(tensors.dy);
      machine.launch('swiglu', { tensors: { ...tensors }, params: { size }, groups: groupsOf256(size) });
    },
  };
}
