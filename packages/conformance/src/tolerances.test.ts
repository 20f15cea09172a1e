import { js, type Backend } from '@sympow/kernels';
import { describe, expect, it } from 'vitest';
import { cases } from './cases';
import { checkCase } from './checkCase';
import { roundoff, withRoundoff } from './tolerances';

/** The js backend with the numbers of both operands of `matmul` rounded to halves, or further off. */
async function roundingOperands(operandRoundoff: number): Promise<Backend> {
  const backend = await js().open();
  const round = (tensor: ReturnType<Backend['empty']>) =>
    backend.upload(
      withRoundoff(Float64Array.from(backend.readSync!(tensor) as Float32Array), operandRoundoff),
      tensor.shape,
    );
  const matmul: Backend['kernels']['matmul'] = (args) =>
    backend.scope(() => backend.kernels.matmul({ ...args, a: round(args.a), b: round(args.b) }));
  return new Proxy(backend, {
    get: (target, name) => {
      if (name === 'kernels') return { ...target.kernels, matmul };
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
    },
  });
}

describe('operandRoundoff', () => {
  const kase = cases.find(({ kernel, name }) => kernel === 'matmul' && name.startsWith('63'))!;
  const numbersAreWrong = (complaints: readonly string[]) => complaints.some((each) => each.includes('is off by'));

  it('allows what rounding operands costs, and no more', async () => {
    const precision = { operandRoundoff: roundoff.float16 };
    const [halves, further] = [await roundingOperands(roundoff.float16), await roundingOperands(2 ** -6)];
    expect(numbersAreWrong((await checkCase(halves, kase, undefined, precision)).complaints)).toBe(false);
    expect(numbersAreWrong((await checkCase(halves, kase)).complaints)).toBe(true);
    expect(numbersAreWrong((await checkCase(further, kase, undefined, precision)).complaints)).toBe(true);
  });

  it('rounds to a relative error', () => {
    expect([...withRoundoff(Float64Array.of(1 + 2 ** -11, 3e30, 0, NaN, -Infinity), 2 ** -11)]).toEqual([
      1 + 2 ** -10,
      Math.round(3e30 / 2 ** 91) * 2 ** 91,
      0,
      NaN,
      -Infinity,
    ]);
  });
});
