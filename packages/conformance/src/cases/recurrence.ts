/** The four kernels of the chunked form and their gradients, in every situation. */

import type { CaseArguments } from '../api';
import type { KernelCase } from '../kernelCase';
import type { Inputs } from '../inputs';
import { Scene, situations, type Situation } from './situations';
import { walls } from './walls';

/**
 * The cases of a situation, for a backend whose ways depend on sizes that the suite does not have.
 *
 * @param situation - sizes, power, chunk and what is special
 * @example
 * ```ts
 * import { checkCase, recurrenceCases } from '@sympow/conformance';
 * import { js } from '@sympow/kernels';
 * const backend = await js().open();
 * const [kase] = recurrenceCases({ name: 'one head', T: 40, power: 2, chunk: 32 });
 * console.log((await checkCase(backend, kase!)).complaints); // []
 * ```
 */
export function recurrenceCases(situation: Situation): KernelCase[] {
  const { name, T, fresh = false, normalizer = 'sum', keyScale } = situation;
  const scene = (inputs: Inputs) => new Scene(inputs, situation);
  // Without history queryState has no use for gates.
  const withHistory = (at: Scene): CaseArguments => ({
    q: at.q,
    normalizer,
    ...(fresh ? {} : { ...at.states(), gates: at.gates }),
    ...at.options,
  });
  const all: KernelCase[] = [
    {
      kernel: 'updateState',
      name,
      make: (inputs) => {
        const { k, v, gates, options } = scene(inputs);
        return { k, v, gates, ...options };
      },
    },
    {
      kernel: 'updateStateBackward',
      name,
      // A token's key loses what its query side gains: for a chunk's last token the two cancel.
      floor: keyScale === undefined ? { dA: 1 } : {},
      make: (inputs) => {
        const at = scene(inputs);
        const { k, v, gates, options } = at;
        const { deltaS, deltaZ } = at.deltas();
        const dDeltaS = at.gradient(deltaS!.shape);
        return { k, v, gates, dDeltaS, dDeltaZ: at.gradient(deltaZ!.shape), ...options };
      },
    },
    {
      kernel: 'discountedSum',
      name,
      make: (inputs) => {
        const at = scene(inputs);
        return { ...at.deltas(), ...at.initial(), gates: at.gates, length: T, ...at.options };
      },
    },
    {
      kernel: 'discountedSum',
      name: `${name}, ${fresh ? 'again' : 'in place'}`,
      alias: fresh ? undefined : { SLast: 'S0', ZLast: 'Z0' },
      make: (inputs) => {
        const at = scene(inputs);
        return { ...at.deltas(), ...at.initial(), gates: at.gates, length: T, ...at.options };
      },
    },
    ...[true, false].map((last): KernelCase => ({
      kernel: 'discountedSumBackward',
      name: last ? name : `${name}, last state unused`,
      make: (inputs) => {
        const at = scene(inputs);
        const { S, Z } = at.states();
        const [dS, dZ] = [at.gradient(S.shape), at.gradient(Z.shape)];
        const [B, , G, D, e] = S.shape as [number, number, number, number, number];
        const dLast = { dSLast: inputs.normal([B, G, D, e]), dZLast: inputs.normal([B, G, D]) };
        const initial = last ? dLast : {};
        return { gates: at.gates, length: T, S, Z, dS, dZ, ...initial, ...at.options };
      },
      ...(last ? {} : { without: ['dS0', 'dZ0'] }),
    })),
    {
      kernel: 'powerAttention',
      name,
      make: (inputs) => {
        const { q, k, v, gates, options } = scene(inputs);
        return { q, k, v, gates, ...options };
      },
    },
    {
      kernel: 'powerAttentionBackward',
      name,
      // What a token says about itself cancels, at any scale of queries and keys.
      floor: { dA: 1 },
      make: (inputs) => {
        const at = scene(inputs);
        const { q, k, v, gates, options } = at;
        const { num, den, rowMax } = at.inside();
        return { q, k, v, gates, rowMax, dnum: at.gradient(num!.shape), dden: at.gradient(den!.shape), ...options };
      },
    },
    {
      kernel: 'queryState',
      name,
      ignore: normalizer === 'none' ? ['total'] : [],
      make: (inputs) => {
        const at = scene(inputs);
        return { ...withHistory(at), ...at.inside() };
      },
    },
    {
      kernel: 'queryStateBackward',
      name,
      // Where the state is all that answers, the length of a query does not matter, and dA is along that length.
      floor: normalizer === 'sum' ? { dA: 1 } : {},
      without: fresh ? ['dq', 'dS', 'dZ', 'dA'] : [],
      make: (inputs) => {
        const at = scene(inputs);
        const args = withHistory(at);
        const inside = at.inside();
        const { y, total } = inputs.define('queryState', { ...args, ...inside });
        return {
          ...args,
          rowMax: inside.rowMax,
          y,
          // Undefined without a normalizer: nobody may read it.
          total: normalizer === 'none' ? inputs.constant(total!.shape, NaN) : total,
          dy: at.gradient(y!.shape),
        };
      },
    },
  ];
  return situation.poison ? all.map((kase) => ({ ...kase, poisoned: true })) : all;
}

export const recurrence: readonly KernelCase[] = [...situations, ...walls].flatMap(recurrenceCases);
