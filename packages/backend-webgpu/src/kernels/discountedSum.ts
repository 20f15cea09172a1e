/** The state before every chunk and after the last, S_{n+1} = e^{A_last,n} S_n + ΔS_n: memory traffic, and a loop over chunks. */

import type { GateSums, Kernels, Tensor } from '@sympow/kernels';
import type { Machine } from '../machine';
import { groupsOf256, same, vectors } from './arithmetic';
import { decayOf } from './decay';
import { featuresOf } from './features';

type DiscountedSum = Pick<Kernels, 'discountedSum' | 'discountedSumBackward'>;

interface Options {
  readonly gates?: GateSums | undefined;
  readonly power: number;
  readonly chunk: number;
  readonly length: number;
}

/** What the shaders that import `state_decay.wgsl` are launched with. */
function chunkDecayOf(machine: Machine, { gates, power, chunk, length }: Options, [, n, G, D]: readonly number[]) {
  const { width, tensors, params, constants } = decayOf(gates, power);
  const vector = gates?.start.shape.length === 4;
  return {
    imports: { row_decay: 'state_decay' },
    flags: vector ? ['vector'] : [],
    tensors: { rows: vector ? featuresOf(machine, width, power).rows : undefined, ...tensors },
    // The root of e^A, whatever share of it a key or a query carries.
    constants: { power, ...constants, gate_exponent: 0.5 },
    params: { length, chunk, chunks: n!, heads: G!, rows: D!, ...params },
    width,
  };
}

interface Running {
  readonly delta: Tensor;
  readonly initial?: Tensor | undefined;
  readonly before: Tensor;
  readonly last?: Tensor | undefined;
}

export function discountedSum(machine: Machine): DiscountedSum {
  const run = (
    options: Options,
    { delta, initial, before, last }: Running,
    columns: number,
    flags: readonly string[],
  ) => {
    const decay = chunkDecayOf(machine, options, before.shape);
    const [B, , G, D] = before.shape as [number, number, number, number];
    const inPlace = initial !== undefined && last !== undefined && same(initial, last);
    const size = B * G * D * columns;
    machine.launch('discounted_sum', {
      imports: decay.imports,
      flags: [...decay.flags, ...flags, ...(inPlace ? ['in_place'] : [])],
      constants: decay.constants,
      tensors: { delta, before, last, initial: inPlace ? undefined : initial, ...decay.tensors },
      params: { size, columns, ...decay.params },
      groups: groupsOf256(size),
    });
  };
  return {
    discountedSum({ deltaS, deltaZ, S0, Z0, S, Z, SLast, ZLast, ...options }) {
      run(options, { delta: deltaS, initial: S0, before: S, last: SLast }, S.shape[4]!, []);
      run(options, { delta: deltaZ, initial: Z0, before: Z, last: ZLast }, 1, []);
    },
    discountedSumBackward({ S, Z, dS, dZ, dSLast, dZLast, dDeltaS, dDeltaZ, dS0, dZ0, dA, ...options }) {
      const columns = S.shape[4]!;
      run(options, { delta: dS, initial: dSLast, before: dDeltaS, last: dS0 }, columns, ['backwards']);
      run(options, { delta: dZ, initial: dZLast, before: dDeltaZ, last: dZ0 }, 1, ['backwards']);
      if (!dA) return;
      const zeros = vectors(dA);
      machine.launch('fill', { tensors: { y: dA }, params: { size: zeros, bits: 0 }, groups: groupsOf256(zeros) });
      if (Z.size === 0) return;
      const decay = chunkDecayOf(machine, options, S.shape);
      dA.backend.scope(() => {
        const sums = dA.backend.empty(Z.shape);
        machine.launch('gate_rows', {
          imports: decay.imports,
          flags: decay.flags,
          constants: decay.constants,
          tensors: { S, Z, dS: dDeltaS, dZ: dDeltaZ, sums, ...decay.tensors },
          params: { size: Z.size, columns, ...decay.params },
          groups: Math.ceil(Z.size / 16),
        });
        gateTotals(machine, { sums, dA, groups: (Z.size / Z.shape[3]!) * decay.width, ...decay });
      });
    },
  };
}

interface Totals {
  readonly params: Readonly<Record<string, number>>;
  readonly constants: { readonly power: number };
  readonly tensors: { readonly rows: Tensor | undefined };
  readonly width: number;
  readonly sums: Tensor;
  readonly dA: Tensor;
  readonly groups: number;
}

/** Sums over the rows of states into the gradient of the gates that decayed them. */
export function gateTotals(machine: Machine, { params, constants, tensors, width, sums, dA, groups }: Totals): void {
  machine.launch('gate_totals', {
    constants: { power: constants.power },
    tensors: { rows: tensors.rows, sums, dA },
    params: { width, ...params },
    groups,
  });
}
