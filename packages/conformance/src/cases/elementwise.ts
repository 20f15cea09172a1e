/** Arithmetic, activations, copies and row sums, at awkward sizes and far out on the number line. */

import type { Kernels } from '@sympow/kernels';
import type { Numbers } from '../api';
import type { Inputs } from '../inputs';
import type { KernelCase } from '../kernelCase';

const shapes = [[1], [2], [17], [3, 21], [5, 13, 1], [500]] as const;

/** Numbers at which formulas for activations lose their footing. */
const extremes = [0, -0, 1e-30, -1e-30, 1e-4, -1e-4, 5, -5, 9, -9, 20, -20, 88, -88, 104, -104, 1e4, -1e4, 1e18, -1e18];

const activations = ['gelu', 'logSigmoid', 'onePlusTanh'] as const;

function activationCases(): KernelCase[] {
  return activations.flatMap((kernel): KernelCase[] => {
    const backward = `${kernel}Backward` as const;
    return [
      ...shapes.flatMap((shape): KernelCase[] => [
        { kernel, name: show(shape), make: (inputs) => ({ x: inputs.normal(shape, 2) }) },
        {
          kernel: backward,
          name: show(shape),
          make: (inputs) => ({ x: inputs.normal(shape, 2), dy: inputs.normal(shape) }),
        },
      ]),
      // One by one, because next to 1e18 nothing else would be seen.
      ...extremes.flatMap((x): KernelCase[] => [
        {
          kernel,
          name: `at ${spell(x)}`,
          make: (inputs) => ({ x: inputs.constant([3], x) }),
          floor: floorAt(kernel, x),
        },
        {
          kernel: backward,
          name: `at ${spell(x)}`,
          make: (inputs) => ({ x: inputs.constant([3], x), dy: inputs.constant([3], 1) }),
          floor: floorAt(kernel, x),
        },
      ]),
    ];
  });
}

const spell = (x: number): string => (Object.is(x, -0) ? '−0' : String(x));

/** Results below this are as good as 0: a sigmoid of −88 is at the edge of a float32, and GPUs flush such numbers to 0. */
const negligible = 1e-30;

/** 1 + tanh(−9) and 1 − tanh²(9) are differences of numbers near 1; so is GELU's bracket, times x. */
function floorAt(kernel: (typeof activations)[number], x: number): Record<string, number> {
  const floor = kernel === 'onePlusTanh' ? 1 : x < 0 ? Math.min(1, -x) : negligible;
  return { y: floor, dx: floor };
}

const two = (names: readonly string[]) => (inputs: Inputs, shape: readonly number[]) =>
  Object.fromEntries(names.map((name) => [name, inputs.normal(shape, 2)]));

function arithmeticCases(): KernelCase[] {
  const table: readonly [keyof Kernels, readonly string[]][] = [
    ['add', ['a', 'b']],
    ['multiply', ['a', 'b']],
    ['swiglu', ['gate', 'up']],
    ['swigluBackward', ['gate', 'up', 'dy']],
  ];
  return table.flatMap(([kernel, names]) =>
    shapes.map((shape): KernelCase => ({ kernel, name: show(shape), make: (inputs) => two(names)(inputs, shape) })),
  );
}

const show = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

const x63 = (inputs: Inputs): Numbers => inputs.normal([63]);

export const elementwise: readonly KernelCase[] = [
  ...activationCases(),
  ...arithmeticCases(),
  { kernel: 'add', name: 'with a scale', make: (inputs) => ({ a: x63(inputs), b: x63(inputs), scale: -2.5 }) },
  { kernel: 'add', name: 'with scale 0', make: (inputs) => ({ a: x63(inputs), b: x63(inputs), scale: 0 }) },
  {
    kernel: 'add',
    name: 'into a',
    make: (inputs) => ({ a: x63(inputs), b: x63(inputs), scale: 3 }),
    alias: { y: 'a' },
  },
  { kernel: 'add', name: 'into b', make: (inputs) => ({ a: x63(inputs), b: x63(inputs) }), alias: { y: 'b' } },
  { kernel: 'multiply', name: 'into a', make: (inputs) => ({ a: x63(inputs), b: x63(inputs) }), alias: { y: 'a' } },
  { kernel: 'multiply', name: 'into b', make: (inputs) => ({ a: x63(inputs), b: x63(inputs) }), alias: { y: 'b' } },
  ...[1e4, -1e4, 1e18, -1e18].flatMap((gate): KernelCase[] => [
    {
      kernel: 'swiglu',
      name: `gate ${gate}`,
      make: (inputs) => ({ gate: inputs.constant([5], gate), up: inputs.normal([5]) }),
    },
    {
      kernel: 'swigluBackward',
      name: `gate ${gate}`,
      make: (inputs) => ({ gate: inputs.constant([5], gate), up: inputs.normal([5]), dy: inputs.normal([5]) }),
    },
  ]),

  ...shapes.map((shape): KernelCase => ({
    kernel: 'fill',
    name: show(shape),
    make: () => ({ value: -1.5 }),
    shapes: { y: shape },
  })),
  { kernel: 'fill', name: 'with −Infinity', make: () => ({ value: -Infinity }), shapes: { y: [17] } },
  { kernel: 'fill', name: 'int32', make: (inputs) => ({ value: -7, y: inputs.integers([17], 0, 9) }) },
  { kernel: 'fill', name: 'no elements', make: () => ({ value: 1 }), shapes: { y: [0, 3] } },

  { kernel: 'cast', name: 'float to float', make: (inputs) => ({ x: x63(inputs) }) },
  {
    kernel: 'cast',
    name: 'int32 to float',
    make: (inputs) => ({ x: inputs.integers([63], -70000, 70000) }),
    shapes: { y: [63] },
  },
  {
    kernel: 'cast',
    name: 'float to int32',
    make: (inputs) => ({
      x: inputs.of([65], (i) => (i - 32) * 1000),
      y: inputs.integers([65], 0, 9),
    }),
  },

  ...[
    { name: 'all of it', from: undefined, to: undefined, count: 5 },
    { name: 'the middle to the end', from: 1, to: 4, count: 3 },
    { name: 'one row', from: 4, to: 0, count: 1 },
    { name: 'nothing', from: 2, to: 2, count: 0 },
  ].map(({ name, from, to, count }): KernelCase => ({
    kernel: 'copyBlock',
    name,
    make: (inputs) => ({ x: inputs.normal([2, 5, 3, 7]), y: inputs.normal([2, 7, 3, 7]), from, to, count }),
  })),
  {
    kernel: 'copyBlock',
    name: 'int32 without further axes',
    make: (inputs) => ({ x: inputs.integers([3, 17], 0, 99), y: inputs.integers([3, 65], 0, 99), to: 40, count: 17 }),
  },

  ...[
    [1, 1],
    [1, 65],
    [65, 1],
    [500, 17],
    [3, 5, 7],
  ].flatMap((shape): KernelCase[] => [
    {
      kernel: 'broadcastRows',
      name: show(shape),
      make: (inputs) => ({ x: inputs.normal(shape.slice(-1)) }),
      shapes: { y: shape },
    },
    { kernel: 'sumRows', name: show(shape), make: (inputs) => ({ x: inputs.normal(shape) }) },
  ]),
  { kernel: 'sumRows', name: 'with a scale', make: (inputs) => ({ x: inputs.normal([63, 5]), scale: 1 / 63 }) },
  { kernel: 'sumRows', name: 'no rows', make: (inputs) => ({ x: inputs.normal([0, 5]) }) },
];
