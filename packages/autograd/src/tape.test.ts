import { BackendError, ConfigError, js, ShapeError, type Tensor } from '@sympow/kernels';
import { describe, expect, it } from 'vitest';
import { add, constant, gelu, linear, multiply, parameter, reshape, sliceRows, Tape, type Variable } from './index';

const backend = await js({ float: 'float64' }).open();

const upload = (values: number[], shape = [values.length]): Tensor => backend.upload(values, shape);
const ones = ({ value }: Variable): Tensor => upload(new Array<number>(value.size).fill(1), [...value.shape]);
const numbers = (tensor: Tensor | undefined) => tensor && Array.from(backend.readSync!(tensor));

/** The gradient of Σ y by x, for y made from x = [1, 2, 3]. */
function gradientOf(compute: (tape: Tape, x: Variable) => Variable): number[] | undefined {
  return backend.scope(() => {
    const x = parameter(upload([1, 2, 3]));
    const tape = new Tape(backend);
    const y = compute(tape, x);
    tape.backward([[y, ones(y)]]);
    return numbers(tape.gradient(x));
  });
}

describe('gradients add up where a variable is read more than once', () => {
  it.each<[string, (tape: Tape, x: Variable) => Variable, number[]]>([
    ['x + x', (tape, x) => add(tape, x, x), [2, 2, 2]],
    ['x·x', (tape, x) => multiply(tape, x, x), [2, 4, 6]],
    ['x·x + x', (tape, x) => add(tape, multiply(tape, x, x), x), [3, 5, 7]],
    ['x + x·x', (tape, x) => add(tape, x, multiply(tape, x, x)), [3, 5, 7]],
    ['(x + x) + (x + x)', (tape, x) => add(tape, add(tape, x, x), add(tape, x, x)), [4, 4, 4]],
    [
      'a residual of a residual',
      (tape, x) => {
        const y = add(tape, x, multiply(tape, x, x));
        return add(tape, y, multiply(tape, y, y));
      },
      // y = x + x², z = y + y²: (1 + 2y)(1 + 2x)
      [15, 65, 175],
    ],
    [
      'one sum read three times',
      (tape, x) => {
        const y = add(tape, x, x);
        return add(tape, add(tape, y, y), y);
      },
      [6, 6, 6],
    ],
    [
      'views of one another',
      (tape, x) => {
        const row = reshape(tape, x, [1, 3]);
        return add(tape, reshape(tape, row, [3]), multiply(tape, reshape(tape, row, [3]), x));
      },
      [3, 5, 7],
    ],
    [
      'slices that overlap',
      (tape, x) => {
        const rows = reshape(tape, x, [1, 3, 1]);
        return add(tape, sliceRows(tape, rows, 0, 2), sliceRows(tape, rows, 1, 2));
      },
      [1, 2, 1],
    ],
  ])('%s', (_, compute, expected) => {
    expect(gradientOf(compute)).toEqual(expected);
  });

  it('does not write into a seed, nor into the gradient that two inputs of a sum share', () => {
    backend.scope(() => {
      const [x, w] = [parameter(upload([1, 2])), parameter(upload([5, 7]))];
      const tape = new Tape(backend);
      const y = add(tape, add(tape, x, w), multiply(tape, x, w));
      const seed = ones(y);
      tape.backward([[y, seed]]);
      expect(numbers(seed)).toEqual([1, 1]);
      expect(numbers(tape.gradient(x))).toEqual([6, 8]);
      expect(numbers(tape.gradient(w))).toEqual([2, 3]);
    });
  });
});

describe('a backward pass', () => {
  it('starts from several variables at once, and from one twice', () => {
    backend.scope(() => {
      const x = parameter(upload([1, 2]));
      const tape = new Tape(backend);
      const [y, z] = [multiply(tape, x, x), add(tape, x, x)];
      tape.backward([
        [y, upload([1, 1])],
        [z, upload([10, 20])],
        [z, upload([1, 0])],
      ]);
      expect(numbers(tape.gradient(x))).toEqual([2 + 22, 4 + 40]);
    });
  });

  it('called again goes over what was recorded since, and adds to the gradients of leaves', () => {
    backend.scope(() => {
      const x = parameter(upload([1, 2]));
      const tape = new Tape(backend);
      for (const expected of [
        [2, 4],
        [4, 8],
      ]) {
        const y = multiply(tape, x, x);
        tape.backward([[y, ones(y)]]);
        expect(numbers(tape.gradient(x))).toEqual(expected);
      }
    });
  });

  it('passes by what no gradient reaches', () => {
    backend.scope(() => {
      const [x, unused] = [parameter(upload([1, 2])), parameter(upload([3, 4]))];
      const tape = new Tape(backend);
      gelu(tape, multiply(tape, unused, x));
      const y = add(tape, x, x);
      tape.backward([[y, ones(y)]]);
      expect(numbers(tape.gradient(x))).toEqual([2, 2]);
      expect(tape.gradient(unused)).toBeUndefined();
      expect(numbers(tape.gradientOrZero(unused))).toEqual([0, 0]);
    });
  });

  it('starts from a leaf as well', () => {
    backend.scope(() => {
      const x = parameter(upload([1, 2]));
      const tape = new Tape(backend);
      tape.backward([[x, upload([5, 6])]]);
      expect(numbers(tape.gradient(x))).toEqual([5, 6]);
    });
  });

  it('refuses a seed of another shape', () => {
    backend.scope(() => {
      const x = parameter(upload([1, 2]));
      const tape = new Tape(backend);
      const y = add(tape, x, x);
      expect(() => tape.backward([[y, upload([1, 1], [2, 1])]])).toThrow(ShapeError);
      expect(() => tape.backward([[y, upload([1, 1], [2, 1])]])).toThrow(
        'the gradient to start from is [2, 1]; expected [2].',
      );
    });
  });

  it('refuses a tape that does not record', () => {
    expect(() => new Tape(backend, { record: false }).backward([])).toThrow(ConfigError);
  });
});

describe('memory', () => {
  const layer = (tape: Tape, x: Variable, weight: Variable) => add(tape, x, gelu(tape, linear(tape, x, weight)));

  it('after a step inside a scope is what it was before, and a second step asks for none', () => {
    const weight = parameter(upload([1, 2, 3, 4], [2, 2]));
    const step = () =>
      backend.scope(() => {
        const tape = new Tape(backend);
        const x = constant(upload([1, 2, 3, 4], [2, 2]));
        const y = layer(tape, layer(tape, x, weight), weight);
        tape.backward([[y, ones(y)]]);
        expect(numbers(tape.gradient(weight))).toHaveLength(4);
      });
    const before = backend.memory();
    step();
    const first = backend.memory();
    step();
    const second = backend.memory();
    expect(first.liveBuffers).toBe(before.liveBuffers);
    expect(second.liveBuffers).toBe(before.liveBuffers);
    expect(second.allocations).toBe(first.allocations);
    expect(second.peakBytes).toBe(first.peakBytes);
  });

  it('of intermediate results is given back while gradients go back; leaves, seeds and what is kept stay', () => {
    backend.scope(() => {
      const x = parameter(upload([1, 2]));
      const tape = new Tape(backend);
      const inner = multiply(tape, x, x);
      const kept = tape.keep(gelu(tape, inner));
      const y = add(tape, kept, inner);
      const seed = ones(y);
      tape.backward([[y, seed]]);
      expect([x, kept].map(({ value }) => value.disposed)).toEqual([false, false]);
      expect([inner, y].map(({ value }) => value.disposed)).toEqual([true, true]);
      expect(seed.disposed).toBe(false);
      expect(numbers(tape.gradient(kept))).toEqual([1, 1]);
      expect(tape.gradient(inner)).toBeUndefined();
      expect(() => backend.readSync!(inner.value)).toThrow(BackendError);
    });
  });

  it('holds no gradient of a constant', () => {
    backend.scope(() => {
      const [x, c] = [parameter(upload([1, 2])), constant(upload([3, 4]))];
      const tape = new Tape(backend);
      const y = multiply(tape, add(tape, c, x), c);
      tape.backward([[y, ones(y)]]);
      expect(tape.gradient(c)).toBeUndefined();
      expect(numbers(tape.gradient(x))).toEqual([3, 4]);
    });
  });
});

describe('a tape that does not record', () => {
  it('computes the same, and wants no gradients', () => {
    backend.scope(() => {
      const x = parameter(upload([1, 2]));
      const [quiet, recording] = [new Tape(backend, { record: false }), new Tape(backend)];
      const [y, z] = [quiet, recording].map((tape) => gelu(tape, multiply(tape, x, x))) as [Variable, Variable];
      expect(numbers(y.value)).toEqual(numbers(z.value));
      expect([y.requiresGradient, z.requiresGradient]).toEqual([false, true]);
      expect([quiet.follows([x]), recording.follows([x])]).toEqual([false, true]);
    });
  });

  it('gives the intermediate results of a block back at its end', () => {
    backend.scope(() => {
      const x = constant(upload([1, 2]));
      const tape = new Tape(backend, { record: false });
      const before = backend.memory().liveBuffers;
      let inner: Variable | undefined;
      const y = tape.block((keep) => {
        inner = multiply(tape, x, x);
        return keep(add(tape, inner, x));
      });
      expect(backend.memory().liveBuffers).toBe(before + 1);
      expect([inner!.value.disposed, y.value.disposed]).toEqual([true, false]);
      expect(numbers(y.value)).toEqual([2, 6]);
    });
  });
});

it('a block of a tape that records keeps what the backward pass needs', () => {
  expect(gradientOf((tape, x) => tape.block((keep) => keep(multiply(tape, multiply(tape, x, x), x))))).toEqual([
    3, 12, 27,
  ]);
});

describe('a leaf is said to be whole', () => {
  /** What was told in a pass over x w + (x + v) with leaves w and v and one that nothing reads, with the gradients of that moment. */
  const told = (build: (tape: Tape, w: Variable, v: Variable) => Variable) =>
    backend.scope(() => {
      const [w, v, idle] = [parameter(upload([2, 3])), parameter(upload([5, 7])), parameter(upload([0, 0]))];
      const names = new Map([
        [w, 'w'],
        [v, 'v'],
        [idle, 'idle'],
      ]);
      const tape = new Tape(backend);
      const all: [string | undefined, number[] | undefined][] = [];
      tape.watch(names.keys(), (leaf) => all.push([names.get(leaf), numbers(tape.gradient(leaf))]));
      const y = build(tape, w, v);
      tape.backward([[y, ones(y)]]);
      for (const [leaf, name] of names)
        expect(all.filter(([other]) => other === name)).toEqual([[name, numbers(tape.gradient(leaf))]]);
      return all.map(([name]) => name);
    });

  it('once, when nothing that is left adds to its gradient, and last where it is read first', () => {
    expect(told((tape, w, v) => multiply(tape, add(tape, w, w), v))).toEqual(['idle', 'v', 'w']);
    expect(told((tape, w, v) => add(tape, multiply(tape, w, v), v))).toEqual(['idle', 'w', 'v']);
    expect(told((tape, w, v) => add(tape, multiply(tape, v, v), multiply(tape, w, v)))).toEqual(['idle', 'w', 'v']);
  });

  it('not before its time where a part that was refused had read it', () => {
    const order = told((tape, w, v) => {
      const refused = () =>
        tape.attempt(() => {
          multiply(tape, multiply(tape, v, v), w);
          throw new ConfigError({ what: 'a part', value: 1, expected: 'another' });
        });
      expect(refused).toThrow('a part');
      return multiply(tape, gelu(tape, w), v);
    });
    expect(order).toEqual(['idle', 'w', 'v']);
  });

  it('and a function that reads it unsaid is refused', () => {
    const leaf = parameter(upload([1]));
    const tape = new Tape(backend);
    tape.watch([leaf], () => undefined);
    const y = parameter(upload([1]));
    tape.record([y], () => tape.share(leaf, tape.gradientOrZero(y)));
    expect(() => tape.backward([[y, upload([1])]])).toThrow('Give `result` or `follows`');
  });

  it('in the next pass alone', () => {
    const leaf = parameter(upload([1]));
    const tape = new Tape(backend);
    let calls = 0;
    tape.watch([leaf], () => calls++);
    for (let pass = 0; pass < 2; pass++) {
      const y = multiply(tape, leaf, leaf);
      tape.backward([[y, ones(y)]]);
    }
    expect([calls, numbers(tape.gradient(leaf))]).toEqual([1, [4]]);
  });
});
