// Where the larger tolerances come from: how far the outputs of the cases move when every input moves by one rounding.
import { kernelNames, type Backend } from '@sympow/kernels';
import { beforeAll, describe, expect, it } from 'vitest';
import type { CaseArgument, CaseArguments } from './api';
import { cases } from './cases';
import { openDefinition } from './checkCase';
import { compare, meaning } from './compare';
import { Inputs } from './inputs';
import { isNumbers } from './shapes';
import { roundoff, toleranceOf } from './tolerances';

let definition: Backend;
beforeAll(async () => {
  definition = await openDefinition();
});

/** Gates stay: their sums come with a tail that makes them exact. Moments of the optimizer must not become negative. */
function nudged(args: CaseArguments, inputs: Inputs, taken: readonly string[] = []): CaseArguments {
  const nudge = (value: CaseArgument): CaseArgument => {
    if (Array.isArray(value)) return (value as readonly CaseArgument[]).map(nudge) as CaseArgument;
    if (!isNumbers(value) || value.data instanceof Int32Array) return value;
    const { data } = inputs.normal(value.shape);
    return { ...value, data: value.data.map((x, i) => x * (1 + Math.sign(data[i]!) * roundoff.float32)) };
  };
  return Object.fromEntries(
    Object.entries(args).map(([name, value]) => [
      name,
      name === 'logGate' || taken.includes(name) ? value : nudge(value),
    ]),
  );
}

describe('one rounding of every input moves no output by more than its tolerance over 4', () => {
  for (const kernel of kernelNames) {
    it(kernel, () => {
      const worst: Record<string, [number, string]> = {};
      for (const kase of cases.filter((each) => each.kernel === kernel && !each.poisoned)) {
        const inputs = new Inputs(`${kernel} ${kase.name}`, 'float32', definition);
        const args = kase.make(inputs);
        const exact = new Inputs('', 'float64', definition);
        const [before, after] = [
          exact.define(kernel, args, kase),
          exact.define(kernel, nudged(args, inputs, kase.taken), kase),
        ];
        for (const [output, { data }] of Object.entries(before)) {
          if (kase.ignore?.includes(output)) continue;
          const [a, b] = [meaning(kernel, output, after[output]!.data), meaning(kernel, output, data)];
          const { floor = {} } = kase;
          const { relative } = compare(a.data, b.data, {
            output,
            tolerance: 1,
            floor: floor[output],
            circular: a.circular,
          });
          const roundings = relative / roundoff.float32;
          if (!(roundings <= (worst[output]?.[0] ?? 0))) worst[output] = [roundings, kase.name];
        }
      }
      for (const [output, [roundings, name]] of Object.entries(worst)) {
        const allowed = toleranceOf(kernel, output, 'float32') / roundoff.float32;
        if (process.env.SHOW) console.log(kernel, output, roundings.toFixed(2), allowed, name);
        if (allowed >= 64) expect(roundings, `${output} of ${name}`).toBeLessThanOrEqual(allowed / 4);
      }
    });
  }
});
