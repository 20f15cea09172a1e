/** Rotary phases, and sums of gates and phases over time. */

import type { KernelCase } from '../kernelCase';
import { tempers, type Temper } from './gates';

interface Phases {
  readonly name: string;
  readonly B?: number;
  readonly T: number;
  readonly H?: number;
  readonly G?: number;
  readonly half?: number;
  /** One β per head, one per pair, or none (β = 1). */
  readonly beta?: 'head' | 'pair';
  /** Where the sum begins: at a phase, or where an earlier call ended. */
  readonly from?: 'phase' | 'resume';
}

const phases: readonly Phases[] = [
  { name: 'one token', T: 1, beta: 'head' },
  { name: '17 tokens, grouped heads', B: 2, T: 17, H: 6, G: 3, half: 5, beta: 'head' },
  { name: '63 tokens without β', B: 2, T: 63, G: 2, half: 3 },
  { name: '65 tokens from a phase', B: 2, T: 65, G: 2, half: 4, beta: 'head', from: 'phase' },
  { name: '65 tokens, β per pair', B: 2, T: 65, G: 2, half: 4, beta: 'pair', from: 'phase' },
  { name: '65 tokens that resume', B: 2, T: 65, G: 2, half: 4, beta: 'head', from: 'resume' },
  { name: '500 tokens, one pair', T: 500, half: 1, beta: 'head' },
  { name: '500 tokens without β', T: 500, half: 2, from: 'phase' },
  { name: 'no tokens', B: 2, T: 0, beta: 'head' },
  { name: 'no tokens that resume', B: 2, T: 0, beta: 'head', from: 'resume' },
];

function phaseCases({ name, B = 1, T, H, G = 1, half = 2, beta, from }: Phases): KernelCase[] {
  const make: KernelCase['make'] = (inputs) => ({
    beta: beta && inputs.uniform(beta === 'head' ? [B, T, G] : [B, T, G, half], 0, 2),
    // θ_m = 2π / 1024^{m/half}
    theta: inputs.of([G, half], (i) => (2 * Math.PI) / 1024 ** ((i % half) / half)),
  });
  const initial: KernelCase['make'] = (inputs) => {
    if (from === 'phase') return { phase: inputs.uniform([B, G, half], -0.5, 0.5) };
    if (from !== 'resume') return {};
    const planes = inputs.uniform([2, B, G, half], -0.5, 0.5);
    return { resume: inputs.replace(planes, (i, x) => (i < B * G * half ? x : x * 2 ** -25)) };
  };
  const turns = [B, T, G, half];
  return [
    {
      kernel: 'phaseSum',
      name,
      shapes: { turns, last: [2, B, G, half] },
      alias: from === 'resume' ? { last: 'resume' } : undefined,
      make: (inputs) => ({ ...make(inputs), ...initial(inputs) }),
    },
    {
      kernel: 'phaseSumBackward',
      name,
      // Nothing is summed where there are no tokens.
      without: T === 0 ? ['dtheta', 'dphase'] : [],
      make: (inputs) => ({ ...make(inputs), dturns: inputs.normal(turns) }),
    },
    {
      kernel: 'rotary',
      name,
      make: (inputs) => ({ x: inputs.normal([B, T, H ?? G, 2 * half]), turns: inputs.uniform(turns, -0.5, 0.5) }),
    },
    {
      kernel: 'rotaryBackward',
      name,
      make: (inputs) => ({
        x: inputs.normal([B, T, H ?? G, 2 * half]),
        turns: inputs.uniform(turns, -0.5, 0.5),
        dy: inputs.normal([B, T, H ?? G, 2 * half]),
      }),
    },
  ];
}

interface Gates {
  readonly T: number;
  readonly chunk: number;
  readonly gates: Temper;
  /** Vector gates of this many dimensions. */
  readonly d?: number;
}

const gates: readonly Gates[] = [
  { T: 1, chunk: 1, gates: 'usual' },
  { T: 2, chunk: 5, gates: 'usual' },
  { T: 17, chunk: 5, gates: 'usual' },
  { T: 17, chunk: 17, gates: 'usual', d: 3 },
  { T: 63, chunk: 16, gates: 'resets' },
  { T: 63, chunk: 16, gates: 'uneven', d: 5 },
  { T: 65, chunk: 64, gates: 'threshold' },
  { T: 65, chunk: 13, gates: 'zero' },
  { T: 65, chunk: 13, gates: 'one' },
  { T: 500, chunk: 64, gates: 'usual' },
  { T: 500, chunk: 500, gates: 'usual' },
  { T: 500, chunk: 128, gates: 'steep' },
  { T: 0, chunk: 4, gates: 'usual' },
];

function gateCases({ T, chunk, gates: temper, d }: Gates): KernelCase[] {
  const name = `${T} tokens by ${chunk}, gates ${temper}${d ? ', vector' : ''}`;
  const shape = [2, T, 3, ...(d ? [d] : [])];
  return [
    { kernel: 'gateSum', name, make: (inputs) => ({ logGate: tempers[temper](inputs, shape, chunk), chunk }) },
    {
      kernel: 'gateSumBackward',
      name,
      make: (inputs) => {
        const { start } = inputs.define('gateSum', { logGate: tempers[temper](inputs, shape, chunk), chunk });
        return { dA: inputs.normal(shape), start, chunk };
      },
    },
  ];
}

export const phaseAndGateSums: readonly KernelCase[] = [
  ...phases.flatMap(phaseCases),
  ...gates.flatMap(gateCases),
  ...[
    [1, 1, 1],
    [2, 17, 3],
    [2, 17, 3, 5],
  ].map((shape): KernelCase => ({
    kernel: 'resetGates',
    name: `[${shape.join(', ')}]`,
    make: (inputs) => ({ x: tempers.usual(inputs, shape), reset: inputs.integers(shape.slice(0, 2), 0, 3) }),
  })),
];
