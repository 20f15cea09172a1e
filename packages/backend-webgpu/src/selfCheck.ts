/** Three small kernels held to the definition before anybody trusts a device: products, reductions, and whole numbers. */

import { BackendError, js, type Backend, type Tensor } from '@sympow/kernels';
import type { Products } from './api';

/** Numbers in [−¾, ¾] that every float type holds exactly. */
const number = (i: number): number => ((i * 7) % 13) / 8 - 0.75;

function numbers(backend: Backend, ...shape: number[]): Tensor {
  const size = shape.reduce((a, b) => a * b);
  return backend.upload(
    Float32Array.from({ length: size }, (_, i) => number(i)),
    shape,
  );
}

/** What each check computes. Sizes leave a tile, a workgroup and a chunk partly empty. */
const checks: Readonly<Record<string, (backend: Backend) => Tensor>> = {
  matmul(backend) {
    const y = backend.empty([37, 41]);
    backend.kernels.matmul({ a: numbers(backend, 37, 33), b: numbers(backend, 33, 41), y });
    return y;
  },
  layerNorm(backend) {
    const y = backend.empty([3, 300]);
    backend.kernels.layerNorm({ x: numbers(backend, 3, 300), weight: numbers(backend, 300), eps: 1e-5, y });
    return y;
  },
  gateSum(backend) {
    const logGate = numbers(backend, 1, 100, 2);
    const [A, start] = [backend.empty([2, 1, 100, 2]), backend.empty([1, 100, 2], 'int32')];
    // −x², as log gates are never positive.
    backend.kernels.multiply({ a: logGate, b: logGate, y: logGate });
    backend.kernels.add({ a: logGate, b: logGate, scale: -2, y: logGate });
    backend.kernels.gateSum({ logGate, chunk: 64, A, start });
    return A;
  },
};

/** What is checked beside where products run on matrix units: each tile of them, and operands that outgrow their first scale. */
const matrixChecks: typeof checks = {
  'matmul in small tiles': (backend) => product(backend, 136, 72),
  'matmul in medium tiles': (backend) => product(backend, 72, 12300, { transposeB: false }),
  'matmul in large tiles': (backend) => product(backend, 72, 24580),
  'matmul of slices that grow': (backend) => product(backend, 136, 72, { growth: 2 ** 8 }),
};

/** m × 68 by 68 × n, the second half of each row of the first times `growth`. */
function product(backend: Backend, m: number, n: number, { growth = 1, transposeB = true } = {}): Tensor {
  const y = backend.empty([m, n]);
  const numbersOfA = Float32Array.from({ length: m * 68 }, (_, i) => number(i) * (i % 68 < 34 ? 1 : growth));
  const b = transposeB ? numbers(backend, n, 68) : numbers(backend, 68, n);
  backend.kernels.matmul({ a: backend.upload(numbersOfA, [m, 68]), b, transposeB, y });
  return y;
}

/** Enqueues all checks; the results are the caller's. */
export function enqueueChecks(backend: Backend, products: Products = 'float32'): ReadonlyMap<string, Tensor> {
  const all = { ...checks, ...(products !== 'float32' && matrixChecks) };
  return backend.scope(
    (keep) => new Map(Object.entries(all).map(([name, run]) => [name, keep(run(backend))] as const)),
  );
}

const tolerance = 1e-5;

/** @throws BackendError when the device computes wrong */
export async function selfCheck(backend: Backend, products?: Products): Promise<void> {
  const definition = await js({ float: 'float64' }).open();
  const [ours, exact] = [enqueueChecks(backend, products), enqueueChecks(definition, products)];
  try {
    for (const [name, tensor] of ours) {
      const [actual, expected] = await Promise.all([tensor.read(), exact.get(name)!.read()]);
      const worst = expected.findIndex((x, i) => !(Math.abs(x - actual[i]!) <= tolerance * Math.max(1, Math.abs(x))));
      if (worst < 0) continue;
      throw new BackendError({
        what: `${name} on this GPU`,
        value: actual[worst],
        message: `this GPU computes wrong: ${name} gives ${actual[worst]} at ${worst}, not ${expected[worst]}`,
        expected: 'the numbers of the definition',
        remedy: 'Update its driver, or use another backend.',
      });
    }
  } finally {
    for (const tensor of [...ours.values(), ...exact.values()]) tensor.dispose();
    await definition.close();
  }
}
