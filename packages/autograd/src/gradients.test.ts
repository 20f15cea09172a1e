import { js, Random, type Shape, type Tensor } from '@sympow/kernels';
import { describe, expect, it } from 'vitest';
import {
  add,
  broadcastRows,
  constant,
  crossEntropy,
  embedTokens,
  gelu,
  linear,
  linearCrossEntropy,
  logSigmoid,
  multiply,
  norm,
  onePlusTanh,
  parameter,
  reshape,
  silu,
  sliceRows,
  swiglu,
  Tape,
  type Variable,
} from './index';

const backend = await js({ float: 'float64' }).open();

interface Case {
  readonly name: string;
  /** Inputs whose gradients are wanted, by name. */
  readonly shapes: Readonly<Record<string, Shape>>;
  readonly compute: (tape: Tape, x: Readonly<Record<string, Variable>>) => Variable;
}

const ids = (values: number[], shape: Shape): Tensor => backend.upload(Int32Array.from(values), shape);
const tokens = ids([2, 0, 2, 4, 4, 4], [2, 3]);
const targets = ids([1, 0, -1, 3, 3, 2], [2, 3]);
const x = [2, 3, 4];

const cases: readonly Case[] = [
  { name: 'add', shapes: { a: x, b: x }, compute: (tape, { a, b }) => add(tape, a!, b!) },
  { name: 'multiply', shapes: { a: x, b: x }, compute: (tape, { a, b }) => multiply(tape, a!, b!) },
  {
    name: 'reshape',
    shapes: { a: x },
    compute: (tape, { a }) => multiply(tape, reshape(tape, a!, [4, 6]), reshape(tape, a!, [4, 6])),
  },
  { name: 'broadcastRows', shapes: { a: [4] }, compute: (tape, { a }) => broadcastRows(tape, a!, x) },
  { name: 'sliceRows', shapes: { a: [2, 5, 4] }, compute: (tape, { a }) => sliceRows(tape, a!, 1, 3) },
  { name: 'gelu', shapes: { a: x }, compute: (tape, { a }) => gelu(tape, a!) },
  { name: 'logSigmoid', shapes: { a: x }, compute: (tape, { a }) => logSigmoid(tape, a!) },
  { name: 'onePlusTanh', shapes: { a: x }, compute: (tape, { a }) => onePlusTanh(tape, a!) },
  { name: 'swiglu', shapes: { gate: x, up: x }, compute: (tape, { gate, up }) => swiglu(tape, gate!, up!) },
  {
    name: 'embedTokens',
    shapes: { weight: [5, 4] },
    compute: (tape, { weight }) => embedTokens(tape, tokens, weight!),
  },
  { name: 'linear', shapes: { a: x, weight: [5, 4] }, compute: (tape, { a, weight }) => linear(tape, a!, weight!) },
  {
    name: 'linear with a bias',
    shapes: { a: x, weight: [5, 4], bias: [5] },
    compute: (tape, { a, weight, bias }) => linear(tape, a!, weight!, bias),
  },
  { name: 'layer norm', shapes: { a: x }, compute: (tape, { a }) => norm(tape, a!, { kind: 'layer' }) },
  {
    name: 'layer norm with weight and bias',
    shapes: { a: x, weight: [4], bias: [4] },
    compute: (tape, { a, weight, bias }) => norm(tape, a!, { kind: 'layer', weight, bias, eps: 0.1 }),
  },
  {
    name: 'RMS norm with a weight',
    shapes: { a: x, weight: [4] },
    compute: (tape, { a, weight }) => norm(tape, a!, { kind: 'rms', weight }),
  },
  { name: 'silu', shapes: { a: x }, compute: (tape, { a }) => silu(tape, a!) },
  ...[false, true].map((known): Case => ({
    name: `linearCrossEntropy${known ? ' of a gradient that is known' : ''}`,
    shapes: { a: x, weight: [5, 4], bias: [5] },
    compute: (tape, { a, weight, bias }) =>
      linearCrossEntropy(
        tape,
        a!,
        weight!,
        bias,
        targets,
        known ? { gradient: backend.upload([1, 2, 3, 4, 5, 6], [2, 3]) } : {},
      ),
  })),
  {
    name: 'crossEntropy',
    shapes: { logits: [2, 3, 5] },
    compute: (tape, { logits }) => crossEntropy(tape, logits!, targets),
  },
];

const sizeOf = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);
const normals = (name: string, shape: Shape) => new Random(0, name).fillNormal(new Float64Array(sizeOf(shape)));

/** What comes out for given numbers, and the gradient of Σ w·y by every input. */
function run({ name, shapes, compute }: Case, numbers: Readonly<Record<string, Float64Array>>) {
  return backend.scope(() => {
    const tape = new Tape(backend);
    const inputs = Object.fromEntries(
      Object.entries(shapes).map(([input, shape]) => [input, parameter(backend.upload(numbers[input]!, shape))]),
    );
    const y = tape.keep(compute(tape, inputs));
    const weights = normals(`${name} loss`, y.value.shape);
    const loss = Array.from(backend.readSync!(y.value)).reduce((sum, value, i) => sum + value * weights[i]!, 0);
    tape.backward([[y, backend.upload(weights, y.value.shape)]]);
    const read = (variable: Variable) => Float64Array.from(backend.readSync!(tape.gradient(variable)!));
    return { loss, gradients: Object.fromEntries(Object.entries(inputs).map(([input, each]) => [input, read(each)])) };
  });
}

describe('the gradient of every function is its slope, number by number', () => {
  it.each(cases)('$name', (kase) => {
    const numbers = Object.fromEntries(
      Object.entries(kase.shapes).map(([input, shape]) => [input, normals(`${kase.name} ${input}`, shape)]),
    );
    const { gradients } = run(kase, numbers);
    const step = 1e-5;
    for (const [input, values] of Object.entries(numbers)) {
      values.forEach((value, i) => {
        const lossAt = (moved: number) => {
          const changed = Float64Array.from(values);
          changed[i] = moved;
          return run(kase, { ...numbers, [input]: changed }).loss;
        };
        const slope = (lossAt(value + step) - lossAt(value - step)) / (2 * step);
        expect(Math.abs(gradients[input]![i]! - slope), `${input}[${i}]`).toBeLessThan(1e-8 * (1 + Math.abs(slope)));
      });
    }
  });

  it.each(cases)('$name: inputs that are constants get none, and spoil nobody else’s', (kase) => {
    const names = Object.keys(kase.shapes);
    for (const wanted of names) {
      backend.scope(() => {
        const tape = new Tape(backend);
        const inputs = Object.fromEntries(
          names.map((input) => {
            const tensor = backend.upload(normals(`${kase.name} ${input}`, kase.shapes[input]!), kase.shapes[input]!);
            return [input, input === wanted ? parameter(tensor) : constant(tensor)];
          }),
        );
        const y = tape.keep(kase.compute(tape, inputs));
        expect(y.requiresGradient).toBe(true);
        tape.backward([[y, backend.upload(normals(`${kase.name} loss`, y.value.shape), y.value.shape)]]);
        for (const input of names) expect(tape.gradient(inputs[input]!) !== undefined, input).toBe(input === wanted);
        const all = Object.fromEntries(
          names.map((input) => [input, normals(`${kase.name} ${input}`, kase.shapes[input]!)]),
        );
        const alone = Float64Array.from(backend.readSync!(tape.gradient(inputs[wanted]!)!));
        expect(alone).toEqual(run(kase, all).gradients[wanted]);
      });
    }
  });
});
