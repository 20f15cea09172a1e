/** The next token of a stream turned and put behind those that a memory holds, in one launch, or two. */

import { isHalf, type RotaryAppendArgs, type Tensor, type UncheckedKernels } from '@sympow/kernels';
import type { Machine } from '../machine';
import { same } from './arithmetic';
import { perPair } from './sums';

type Tensors = Readonly<Record<string, Tensor | undefined>>;

const present = (tensors: Tensors): number => Object.values(tensors).filter(Boolean).length;

/** What turning reads and writes; `offset` belongs to both parts. */
function turning({ q, k, beta, theta, thetaTail, resume, last, keys, y }: RotaryAppendArgs): Tensors {
  return { q, k, beta, theta, thetaTail, resume: same(resume, last) ? undefined : resume, last, keys, y };
}

/** Whether keys or values are kept in halves, which two threads cannot write into one word of. */
export const hasHalves = ({ keys, values }: RotaryAppendArgs): boolean => isHalf(keys.dtype) || isHalf(values.dtype);

export function rotaryAppend(machine: Machine): Pick<UncheckedKernels, 'rotaryAppend'> {
  const most = machine.facts.limits.maxStorageBuffersPerShaderStage!;
  return {
    rotaryAppend: {
      accepts: (args) =>
        args.k.shape[1] === 1 && args.v.size > 0 && !hasHalves(args) && present(turning(args)) + 1 <= most,
      run(args) {
        const { q, k, v, logGate, offset, keys, values, logGates, next, theta, resume, last } = args;
        const [rows, , G] = k.shape as [number, number, number];
        const half = theta.shape[1]!;
        const heads = q.shape[2]!;
        const turned = turning(args);
        const moved = { v, log_gate: logGate, values, log_gates: logGates, next };
        const launch = (tensors: Tensors, columns: number, ofV: number, ofGates: number) => {
          const size = rows * (columns + ofV + ofGates);
          machine.launch('rotary_append', {
            flags: [...perPair(args.beta), ...(same(resume, last) ? ['continues'] : [])],
            tensors: { offset, ...tensors },
            params: {
              size,
              rows,
              window: keys.shape[1]!,
              heads,
              shared_by: heads / G,
              half,
              plane: rows * G * half,
              columns,
              of_v: ofV,
              of_gates: ofGates,
            },
            groups: Math.ceil(size / 64),
          });
        };
        const [columns, ofV, ofGates] = [G * half, v.size / rows, (logGate?.size ?? 0) / rows];
        if (present({ offset, ...turned, ...moved }) <= most) {
          launch({ ...turned, ...moved }, columns, ofV, ofGates);
        } else {
          launch(turned, columns, 0, 0);
          launch(moved, 0, ofV, ofGates);
        }
      },
    },
  };
}
