// The definition's gradients against differences of its forward kernels, in doubles, along random directions.
import { entryOf, kernelNames, type Backend, type KernelName } from '@sympow/kernels';
import { beforeAll, describe, expect, it } from 'vitest';
import type { CaseArguments, Numbers } from './api';
import { cases } from './cases';
import { gateSums } from './cases/gates';
import { Scene, situations } from './cases/situations';
import { openDefinition } from './checkCase';
import { Inputs } from './inputs';
import { isNumbers } from './shapes';

type Results = Record<string, Numbers>;

let definition: Backend;
beforeAll(async () => {
  definition = await openDefinition();
});

const directions = 2;
const tolerance = 1e-6;

/** x moved by `step` along u; gates that count as 0 or nearly do stay where they are. */
function moved(x: Numbers, u: Numbers, step: number): Numbers {
  return { ...x, data: Float64Array.from(x.data, (value, i) => value + step * u.data[i]!) };
}

/** How large numbers are, or how far apart where that is less. */
function sizeOfValues({ data }: Numbers): number {
  const finite = [...data].filter((x) => Number.isFinite(x));
  const size = (from: number) => Math.sqrt(finite.reduce((sum, x) => sum + (x - from) ** 2, 0) / (finite.length || 1));
  const apart = size(finite.reduce((sum, x) => sum + x, 0) / finite.length);
  return (apart > 1e-9 * size(0) ? apart : size(0)) || 1;
}

const around = (turns: number): number => turns - Math.round(turns);

/** Σ w·(out − base): what all gradients below are gradients of. */
function loss(results: Results, base: Results, weights: Results): number {
  let sum = 0;
  for (const [name, { data }] of Object.entries(weights)) {
    const [out, from] = [results[name]!.data, base[name]!.data];
    data.forEach((w, i) => {
      const change = out[i]! - from[i]!;
      sum += w * (name === 'turns' ? around(change) : change);
    });
  }
  return sum;
}

/** Holds `gradient` of one input to differences of `evaluate`, which takes the moved input. */
function holdGradient(
  what: string,
  inputs: Inputs,
  x: Numbers,
  gradient: Numbers,
  evaluate: (x: Numbers) => Results,
  base: Results,
  weights: Results,
): void {
  // Gates and their sums are exponents: their unit is 1 however large they are.
  const unit = /^d(A|logGate)/.test(what) ? 1 : sizeOfValues(x);
  // Any rounding of a result can look like a slope.
  // A function that is not a number here has no slope: then its gradient is none either.
  if (Object.values(base).some(({ data }) => data.some(Number.isNaN))) {
    expect(gradient.data.some(Number.isNaN)).toBe(true);
    return;
  }
  let noise = 0;
  for (const [name, { data }] of Object.entries(weights))
    data.forEach((w, i) => (noise += Math.abs(w * base[name]!.data[i]!)));
  for (let each = 0; each < directions; each++) {
    const u = inputs.replace(inputs.normal(x.shape), (i, value) => (Math.abs(x.data[i]! + 87) < 1 ? 0 : value));
    let [along, squares] = [0, 0];
    gradient.data.forEach((g, i) => {
      along += g * u.data[i]!;
      squares += g * g;
    });
    // Steep functions need a short step, flat ones a long one; a wrong gradient fits none.
    let [slope, excess] = [NaN, Infinity];
    for (const relative of [1e-3, 1e-4, 1e-5, 1e-6]) {
      const step = relative * unit;
      const at = (steps: number) => loss(evaluate(moved(x, u, steps * step)), base, weights);
      slope = (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * step);
      const allowed = tolerance * Math.max(Math.sqrt(squares), Math.abs(slope)) + (1e-14 * noise) / step;
      excess = Math.min(excess, Math.abs(slope - along) / (allowed || Number.MIN_VALUE));
      if (excess <= 1) break;
    }
    expect(excess, `${what}: slope ${slope}, gradient ${along}`).toBeLessThanOrEqual(1);
  }
}

/** The name of the input whose gradient is `output`: dDeltaS belongs to deltaS, dA to the head plane of gates.A. */
function inputOf(output: string, args: CaseArguments): string | undefined {
  const name = output.slice(1);
  const lower = name[0]!.toLowerCase() + name.slice(1);
  if (name === 'A') return args.gates ? 'gates' : undefined;
  return [name, lower].find((each) => isNumbers(args[each]));
}

const names = (table: Readonly<Record<string, string>>): string[] =>
  Object.keys(table).map((key) => key.replace('?', ''));
const gradientName = (output: string): string[] => [`d${output}`, `d${output[0]!.toUpperCase()}${output.slice(1)}`];

/** A is used as head plus tail, so its gradient is that of the head. */
const head = ({ shape, data }: Numbers): Numbers => ({ shape: shape.slice(1), data: data.slice(0, data.length / 2) });
const withHead = (A: Numbers, plane: Numbers): Numbers => ({
  ...A,
  data: Float64Array.from(A.data, (x, i) => (i < plane.data.length ? plane.data[i]! : x)),
});

const backwards = kernelNames.filter((kernel) => kernel.endsWith('Backward'));
/** Values at which a forward kernel has no slope, or is not a number. */
const without = ['ids out of range', 'zero queries', 'no tokens', 'no queries', 'no ids', 'no rows'];
/** Without a backward. */
const forwardOnly = (name: string) => /^quer.*by channel$|^a query a row/.test(name);

for (const backward of backwards) {
  // It holds rowMax constant, so it is a gradient only together with queryState: below.
  if (backward === 'powerAttentionBackward') continue;
  const forward = backward.replace('Backward', '') as KernelName;
  const reads = names(entryOf(backward).reads);
  const options = Object.keys(entryOf(backward).options ?? {}).map((key) => key.replace('?', ''));
  describe(backward, () => {
    for (const kase of cases.filter(
      (each) =>
        each.kernel === forward &&
        !each.poisoned &&
        !each.alias &&
        !without.includes(each.name) &&
        !forwardOnly(each.name),
    )) {
      it(`${kase.name}: is the slope of ${forward}`, () => {
        const inputs = new Inputs(`${backward} ${kase.name}`, 'float64', definition);
        const args = kase.make(inputs);
        const evaluate = (changed: CaseArguments): Results => {
          const results = inputs.define(forward, changed, kase);
          // gateSum writes its sums as two planes.
          return forward === 'gateSum' ? { ...results, A: sumOfPlanes(results.A!) } : results;
        };
        const base = evaluate(args);
        const weights: Results = {};
        const gradients: Results = {};
        for (const [name, { shape, data }] of Object.entries(base)) {
          const read = gradientName(name).find((each) => reads.includes(each));
          if (!read || data instanceof Int32Array) continue;
          weights[name] = inputs.normal(shape);
          gradients[read] = weights[name];
        }
        const same = cases.find((each) => each.kernel === backward && each.name === kase.name);
        const known = Object.fromEntries(
          Object.entries({ ...args, ...base }).filter(([name]) => options.includes(name) || reads.includes(name)),
        );
        const shapes = Object.fromEntries(
          names(entryOf(backward).writes).flatMap((output) => {
            const input = inputOf(output, args);
            return input && input !== 'gates' ? [[output, (args[input] as Numbers).shape]] : [];
          }),
        );
        const results = inputs.define(backward, { ...known, ...gradients }, { without: same?.without, shapes });
        for (const [output, gradient] of Object.entries(results)) {
          const input = inputOf(output, args);
          if (!input) continue;
          const value = args[input] as Numbers | { A: Numbers; start: Numbers };
          const what = `${output} of ${forward}`;
          if ('A' in value) {
            const change = (x: Numbers) => evaluate({ ...args, gates: { ...value, A: withHead(value.A, x) } });
            holdGradient(what, inputs, head(value.A), gradient, change, base, weights);
          } else {
            holdGradient(what, inputs, value, gradient, (x) => evaluate({ ...args, [input]: x }), base, weights);
          }
        }
      });
    }
  });
}

function sumOfPlanes({ shape, data }: Numbers): Numbers {
  const size = data.length / 2;
  return { shape: shape.slice(1), data: Float64Array.from({ length: size }, (_, i) => data[i]! + data[size + i]!) };
}

const plus = (a: Numbers, b: Numbers | undefined): Numbers =>
  b ? { ...a, data: Float64Array.from(a.data, (x, i) => x + b.data[i]!) } : a;

describe('the four kernels together', () => {
  const smooth = situations.filter(({ name }) => !without.includes(name) && name !== 'zero keys and no state');
  for (const situation of smooth) {
    it(`${situation.name}: gradients of q, k, v, gates and the initial state`, () => {
      const inputs = new Inputs(`chain ${situation.name}`, 'float64', definition);
      const scene = new Scene(inputs, situation);
      const { normalizer, options } = scene;
      const length = situation.T;
      const { fresh = false } = situation;
      const start = { q: scene.q, k: scene.k, v: scene.v, logGate: scene.logGate, ...scene.initial() };
      type Start = typeof start;
      const run = ({ q, k, v, logGate, S0, Z0 }: Start) => {
        const gates = logGate && gateSums(inputs, logGate, options.chunk);
        const deltas = inputs.define('updateState', { k, v, gates, ...options });
        const states = inputs.define('discountedSum', { ...deltas, gates, length, S0, Z0, ...options });
        const history = fresh && length <= options.chunk ? {} : { S: states.S, Z: states.Z };
        const inside = inputs.define('powerAttention', { q, k, v, gates, ...options });
        const answer = inputs.define('queryState', { q, gates, normalizer, ...history, ...inside, ...options });
        return { gates, states, history, inside, answer };
      };
      const outputs = ({ states, answer }: ReturnType<typeof run>): Results => {
        const { SLast, ZLast } = states;
        return { y: answer.y!, SLast: SLast!, ZLast: ZLast! };
      };
      const at = run(start);
      const base = outputs(at);
      const weights = Object.fromEntries(Object.entries(base).map(([name, { shape }]) => [name, inputs.normal(shape)]));
      const { q, k, v } = start;
      const { gates, history, inside } = at;
      const { rowMax } = inside;
      const queried = inputs.define(
        'queryStateBackward',
        { q, gates, normalizer, ...history, rowMax, ...at.answer, dy: weights.y, ...options },
        { without: history.S ? [] : ['dq', 'dS', 'dZ', 'dA'] },
      );
      const { dnum, dden } = queried;
      const attended = inputs.define('powerAttentionBackward', { q, k, v, gates, rowMax, dnum, dden, ...options });
      const { S, Z } = at.states;
      const zero = (numbers: Numbers) => inputs.constant(numbers.shape, 0);
      const [dS, dZ] = [queried.dS ?? zero(S!), queried.dZ ?? zero(Z!)];
      const [dSLast, dZLast] = [weights.SLast, weights.ZLast];
      const summed = inputs.define('discountedSumBackward', {
        gates,
        length,
        S,
        Z,
        dS,
        dZ,
        dSLast,
        dZLast,
        ...options,
      });
      const { dDeltaS, dDeltaZ, dS0, dZ0 } = summed;
      const updated = inputs.define('updateStateBackward', { k, v, gates, dDeltaS, dDeltaZ, ...options });
      const gradients: Record<string, Numbers | undefined> = {
        q: plus(attended.dq!, queried.dq),
        k: plus(attended.dk!, updated.dk),
        v: plus(attended.dv!, updated.dv),
        S0: dS0,
        Z0: dZ0,
      };
      if (gates) {
        const dA = [queried.dA, summed.dA, updated.dA].reduce<Numbers>((sum, each) => plus(sum, each), attended.dA!);
        const args = { dA, start: gates.start, chunk: options.chunk };
        gradients.logGate = inputs.define('gateSumBackward', args).dlogGate;
      }
      for (const [name, gradient] of Object.entries(gradients)) {
        const x = start[name as keyof Start];
        if (!x || !gradient) continue;
        const change = (value: Numbers) => outputs(run({ ...start, [name]: value }));
        holdGradient(`d${name}`, inputs, x, gradient, change, base, weights);
      }
    });
  }
});
