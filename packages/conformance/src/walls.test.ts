// That the definition itself keeps NaN and infinities behind the walls that the cases build.
import type { Backend } from '@sympow/kernels';
import { beforeAll, describe, expect, it } from 'vitest';
import type { CaseArguments, Numbers } from './api';
import { cases } from './cases';
import { recurrenceCases } from './cases/recurrence';
import { walls } from './cases/walls';
import { openDefinition } from './checkCase';
import { Inputs } from './inputs';
import type { KernelCase } from './kernelCase';

let definition: Backend;
beforeAll(async () => {
  definition = await openDefinition();
});

/** The arguments with a number in place of everything that is not finite; gates of 0 stay. */
function cured(args: CaseArguments, inputs: Inputs, value: number): CaseArguments {
  const cure = (x: unknown, gates = false): unknown => {
    if (typeof x !== 'object' || x === null) return x;
    if (!('data' in x)) return Object.fromEntries(Object.entries(x).map(([name, each]) => [name, cure(each, true)]));
    const numbers = x as Numbers;
    if (numbers.data instanceof Int32Array) return numbers;
    const stays = (old: number) => Number.isFinite(old) || (gates && old === -Infinity);
    return inputs.replace(numbers, (_, old) => (stays(old) ? old : gates ? -Math.abs(value) : value));
  };
  return Object.fromEntries(
    Object.entries(args).map(([name, x]) => [name, cure(x, name === 'logGate')]),
  ) as CaseArguments;
}

const rowwise = ['num', 'den', 'rowMax', 'y', 'total', 'logSum', 'dq', 'dnum', 'dden'];

/** Whether an element at `row` of axis 1 may be reached by the poison: by position and document alone. */
function reach({ kernel, poison }: Poisoned, args: CaseArguments, output: string): (row: number) => boolean {
  const { tokens, of } = poison;
  const { start } = (args.gates ?? {}) as { start?: Numbers };
  const perToken = start ? start.shape.slice(2).reduce((a, b) => a * b, 1) : 1;
  const document = (t: number) => (start ? start.data[t * perToken]! : -1);
  const first = (args.q as Numbers | undefined)?.shape[1];
  const T = (args.length as number | undefined) ?? (args.k as Numbers | undefined)?.shape[1] ?? first!;
  const offset = kernel.startsWith('softmax') && rowwise.includes(output) ? T - first! : 0;
  const chunk = (args.chunk as number | undefined) ?? T;
  const lastOf = (t: number) => Math.min(T, (Math.floor(t / chunk) + 1) * chunk) - 1;
  const together = (a: number, b: number) => document(a) === document(b);
  if (/^(delta|S|Z)/.test(output)) {
    // The state before a chunk, or what a chunk adds: from tokens that are of the document of the last one.
    return (row) => {
      const last = output.startsWith('delta') ? lastOf(row * chunk) : output.endsWith('Last') ? T - 1 : row * chunk - 1;
      return tokens.some((p) => p <= last && together(p, last));
    };
  }
  if (rowwise.includes(output)) return (row) => tokens.some((p) => p <= row + offset && together(p, row + offset));
  // Gradients of a chunk's state come to all tokens that its last one sees.
  if (kernel === 'updateStateBackward' && of.includes('gradients'))
    return (row) => tokens.some((p) => lastOf(p) === lastOf(row) && (together(p, row) || together(row, lastOf(row))));
  const onlyRows = !of.some((tensor) => ['k', 'v', 'gates'].includes(tensor));
  return (row) => tokens.some((p) => together(p, row) && (!onlyRows || p >= row));
}

type Poisoned = KernelCase & {
  readonly poison: { readonly tokens: readonly number[]; readonly of: readonly string[] };
};

function hold(kase: KernelCase, reached: (args: CaseArguments, output: string) => (row: number) => boolean): void {
  const inputs = new Inputs(`${kase.kernel} ${kase.name}`, 'float64', definition);
  const args = kase.make(inputs);
  const results = inputs.define(kase.kernel, args, kase);
  const healthy = [0.37, -0.81].map((value) => inputs.define(kase.kernel, cured(args, inputs, value), kase));
  for (const [output, { data, shape }] of Object.entries(results)) {
    if (kase.ignore?.includes(output)) continue;
    const size = shape.slice(2).reduce((a, b) => a * b, 1);
    const may = reached(args, output);
    data.forEach((x, i) => {
      if (may(Math.floor(i / size) % (shape[1] ?? 1))) return;
      for (const other of healthy) {
        const expected = other[output]!.data[i]!;
        if (!(Math.abs(x - expected) <= 1e-9 * Math.abs(expected))) expect(x, `${output}[${i}]`).toBe(expected);
      }
    });
  }
}

describe('NaN and infinities reach later tokens of their own document alone', () => {
  const situations = walls.flatMap((situation) =>
    recurrenceCases(situation).map((kase): Poisoned => ({ ...kase, poison: situation.poison! })),
  );
  for (const kase of situations) {
    // How gradients of states flow is a sum with decays of 0, which the cases hold.
    if (kase.kernel === 'discountedSumBackward' || kase.alias) continue;
    it(`${kase.kernel}, ${kase.name}`, () => {
      hold(kase, (args, output) => reach(kase, args, output));
    });
  }

  for (const kase of cases.filter(({ poisoned, kernel }) => poisoned && kernel.startsWith('softmax'))) {
    it(`${kase.kernel}, ${kase.name}`, () => {
      hold(kase, (args, output) => {
        const rows = (name: string): number[] => {
          const numbers = args[name] as Numbers | undefined;
          if (!numbers) return [];
          const size = numbers.data.length / (numbers.shape[0]! * numbers.shape[1]!);
          const bad = Array.from(numbers.data).flatMap((x, i) => (Number.isFinite(x) ? [] : [Math.floor(i / size)]));
          return [...new Set(bad.map((row) => row % numbers.shape[1]!))];
        };
        const [keys, queries] = [
          [...rows('k'), ...rows('v')],
          [...rows('q'), ...rows('dy')],
        ];
        const offset = (args.k as Numbers).shape[1]! - (args.q as Numbers).shape[1]!;
        const tokens = [...new Set([...keys, ...queries.map((row) => row + offset)])];
        const of = [...(keys.length > 0 ? ['k'] : []), ...(queries.length > 0 ? ['q'] : [])];
        return reach({ ...kase, poison: { tokens, of } }, args, output);
      });
    });
  }

  for (const kase of cases.filter(({ poisoned, kernel }) => poisoned && /Window|step/.test(kernel))) {
    it(`${kase.kernel}, ${kase.name}`, () => {
      // The newest token is behind a reset, and all of the poison before it.
      hold(kase, () => () => false);
    });
  }
});
