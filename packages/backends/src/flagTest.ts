// V8 can make one 256-bit instruction of two WebAssembly vectors that stand side by side, which nearly doubles the speed of
// products, but only behind an experimental flag. It is set where that has been seen to gain and another process
// survived it, and kept only if kernels still give the same numbers to the last bit and are faster.

import { wasm } from '@sympow/backend-wasm';
import { Random, type Backend, type Tensor } from '@sympow/kernels';
import { Model, modelConfig, variants } from '@sympow/model';
import { AdamW, trainingStep } from '@sympow/training';
import type { EngineFlags } from './api';
import { trialOf } from './flagTrial';
import { revectorize } from './revectorize';

/** Faster by this factor at least: what is experimental must be worth it. */
const worth = 1.15;

const setFlagsFromString = (flag: string) => process.getBuiltinModule('node:v8').setFlagsFromString(flag);

/** Sets the flag if it stands a test. */
export async function tested(): Promise<EngineFlags> {
  const trial = await trialOf();
  if (!trial.survived) return { flags: [], reason: trial.reason };
  let chosen: EngineFlags;
  // Compiled at once to its last form, the module that is tested is the one that runs afterwards.
  setFlagsFromString('--no-liftoff');
  try {
    const without = await examine(false);
    setFlagsFromString(revectorize);
    chosen = verdict(without, await examine(true));
  } catch (error) {
    chosen = { flags: [], reason: error instanceof Error ? error.message : String(error) };
  }
  if (chosen.flags.length === 0) setFlagsFromString(revectorize.replace('--', '--no-'));
  setFlagsFromString('--liftoff');
  return chosen;
}

/** What {@link trialOf} has another process do: all that this one would do with the flag, on threads as well. */
export async function tryFlag(): Promise<void> {
  setFlagsFromString('--no-liftoff');
  setFlagsFromString(revectorize);
  await examine(true);
  setFlagsFromString('--liftoff');
  await examine(true, 2);
}

/** What kernels wrote, as bits, and the GFLOP/s of a product. */
interface Examination {
  readonly numbers: Int32Array;
  readonly speed: number;
}

/** Whether the flag stays, from an examination without and one with it. */
export function verdict(without: Examination, withFlag: Examination): EngineFlags {
  const gain = withFlag.speed / without.speed;
  const different = without.numbers.filter((bits, i) => bits !== withFlag.numbers[i]).length;
  if (different > 0) return { flags: [], reason: `${different} of ${without.numbers.length} numbers differ` };
  const times = `${gain.toFixed(2)} times as fast`;
  return gain < worth
    ? { flags: [], reason: `only ${times}` }
    : { flags: [revectorize], reason: `the same numbers, ${times}` };
}

/** Products and training steps. */
async function examine(wide: boolean, threads = 1): Promise<Examination> {
  const backend = await wasm({ threads, wide }).open();
  try {
    const written = [...products(backend), ...training(backend, 'softmax'), ...training(backend, 'conformal')];
    const numbers: number[] = [];
    for (const tensor of written) numbers.push(...new Int32Array((await tensor.read()).buffer as ArrayBuffer));
    return { numbers: Int32Array.from(numbers), speed: speedOf(backend) };
  } finally {
    await backend.close();
  }
}

function noise(backend: Backend, ...shape: number[]): Tensor {
  const numbers = new Float32Array(shape.reduce((a, b) => a * b, 1));
  new Random(1, shape.join(' ')).fillNormal(numbers, 1);
  return backend.upload(numbers, shape);
}

/** Products of sizes that tiles and blocks divide and of sizes that they do not, in every transposition. */
function products(backend: Backend): Tensor[] {
  const sizes = [
    [1, 40, 33],
    [5, 16, 7],
    [30, 32, 64],
    [37, 45, 300],
    [64, 31, 65],
    [125, 270, 19],
  ] as const;
  return sizes.flatMap(([m, n, k]) =>
    [0, 1, 2, 3].map((turned) => {
      const [transposeA, transposeB] = [turned % 2 === 1, turned > 1];
      const a = noise(backend, ...(transposeA ? [k, m] : [m, k]));
      const b = noise(backend, ...(transposeB ? [n, k] : [k, n]));
      const y = noise(backend, m, n);
      backend.kernels.matmul({ a, b, transposeA, transposeB, accumulate: true, y });
      return y;
    }),
  );
}

/** The weights of a small model after some steps, with the loss and the size of the gradient of each. */
function training(backend: Backend, variant: 'softmax' | 'conformal'): Tensor[] {
  const [batch, context, vocabSize] = [2, 75, 37];
  const config = modelConfig({ ...variants[variant], vocabSize, hiddenSize: 36, layers: 1, heads: 3, headSize: 12 });
  const model = Model.create(backend, config, { seed: 1, form: 'chunked', chunk: 40 });
  const optimizer = new AdamW(backend, model.parameters, model.decays);
  const tokens = Int32Array.from({ length: batch * context + 1 }, (_, i) => (i * i) % vocabSize);
  const data = { batch, context, inputs: tokens.subarray(0, -1), targets: tokens.subarray(1), spans: [] };
  const reports = [1, 2, 3].map(() => trainingStep(model, optimizer, [data], 1e-2));
  const weights = [...model.parameters.values()].map(({ value }) => value);
  return [...weights, ...reports.flatMap(({ loss, squaredNorm }) => [loss, squaredNorm])];
}

/** GFLOP/s of a square product: the best of some, as another process may be at work. */
function speedOf(backend: Backend): number {
  const size = 192;
  const [a, y] = [noise(backend, size, size), backend.empty([size, size])];
  let best = Infinity;
  for (let round = 0; round < 12; round++) {
    const start = performance.now();
    backend.kernels.matmul({ a, b: a, y });
    best = Math.min(best, performance.now() - start);
  }
  return (2 * size ** 3) / best / 1e6;
}
