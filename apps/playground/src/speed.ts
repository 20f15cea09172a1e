// How fast a backend is, and how long training will take on it.

import { Random, type Backend } from '@sympow/kernels';
import { kindsOfLayers, modelSize, type ModelConfig, type StepShape } from '@sympow/model';

const side = 256;

/** GFLOP/s of a square product: the best of some, as other programs may be at work. */
export async function gigaflopsOf(backend: Backend): Promise<number> {
  const numbers = new Float32Array(side * side);
  new Random(1, 'speed').fillNormal(numbers, 1);
  const [a, y] = [backend.upload(numbers, [side, side]), backend.empty([side, side])];
  try {
    let best = Infinity;
    for (let round = 0; round < 6; round++) {
      const start = performance.now();
      backend.kernels.matmul({ a, b: a, y });
      await y.read();
      best = Math.min(best, performance.now() - start);
    }
    return (2 * side ** 3) / Math.max(best, 0.01) / 1e6;
  } finally {
    a.dispose();
    y.dispose();
  }
}

/** What of that small models reach: their products are small, and half of the time goes to all that is no product. */
const share = 0.25;

/** Seconds that an update will take, good to about a factor of two. */
export function secondsPerStep(config: ModelConfig, { batch, context }: StepShape, gigaflops: number): number {
  const { parameters } = modelSize(config, { batch, context });
  const { heads, headSize: d, power, layers } = config;
  let features = 1;
  for (let i = 0; i < power; i++) features = (features * (d + i)) / (i + 1);
  const growing = kindsOfLayers(config).filter(({ grows }) => grows).length;
  const quadratic = 4 * context * d;
  const linear = Math.min(quadratic, 4 * features * (d + 1));
  const attention = heads * (growing * quadratic + (layers - growing) * linear);
  return (batch * context * 3 * (2 * parameters + attention)) / (gigaflops * 1e9 * share);
}
