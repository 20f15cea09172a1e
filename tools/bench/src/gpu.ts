// A large GPU at full size, one JSON line per figure: `node gpu.js [PART…] [--create OPTION]…`. It is a program of its
// own, in one file when bundled, because a machine with such a GPU often has nothing else:
// `npx esbuild tools/bench/src/gpu.ts --bundle --platform=node --format=esm --external:webgpu --outfile=gpu.mjs`
import { parseArgs } from 'node:util';
import { parameter, Tape } from '@sympow/autograd';
import { webgpu, type WebGpuBackend } from '@sympow/backend-webgpu';
import { modelConfig, variants } from '@sympow/model';
import { powerRecurrence } from '@sympow/recurrence';
import { expectClose } from './check';
import { powerAttentionRows } from './definition';
import { decodeOn, oneStep } from './gpuDecode';
import { median } from './measure';
import { logGates, normals } from './numbers';
import { Training } from './training';

interface Options {
  readonly open: (timestamps: boolean) => Promise<WebGpuBackend>;
  readonly quick: boolean;
}

function say(name: string, shape: string, figures: Record<string, number | string>): void {
  const rounded = Object.entries(figures).map(([key, x]) => [
    key,
    typeof x === 'number' ? Number(x.toPrecision(4)) : x,
  ]);
  process.stdout.write(`${JSON.stringify({ name, shape, ...Object.fromEntries(rounded) })}\n`);
}

/** Median milliseconds of one run, each round long enough for the clock. */
async function time(backend: WebGpuBackend, run: () => void, rounds = 7): Promise<number> {
  const round = async (times: number): Promise<number> => {
    const start = performance.now();
    for (let i = 0; i < times; i++) run();
    await backend.finish();
    return (performance.now() - start) / times;
  };
  await round(1);
  const times = Math.max(1, Math.min(50, Math.ceil(100 / (await round(1)))));
  const results: number[] = [];
  for (let i = 0; i < rounds; i++) results.push(await round(times));
  return median(results);
}

/** Says where the device spends its time in one run. */
async function profile(name: string, shape: string, options: Options, prepare: (backend: WebGpuBackend) => () => void) {
  const backend = await options.open(true).catch(() => undefined);
  if (!backend) return;
  const run = prepare(backend);
  const times = 4;
  // The first runs raise the clocks.
  for (let i = 0; i < times; i++) run();
  await backend.timings();
  for (let i = 0; i < times; i++) run();
  let [all, busy] = [0, 0];
  for (const { name: kernel, launches, milliseconds } of await backend.timings()) {
    say(`${name}/${kernel}`, shape, { launches: launches / times, ms: milliseconds / times });
    all += launches / times;
    busy += milliseconds / times;
  }
  say(`${name}/all`, shape, { launches: all, ms: busy });
  await backend.close();
}

async function matmul(options: Options): Promise<void> {
  const backend = await options.open(false);
  const shapes = options.quick
    ? [[256, 256, 256]]
    : [
        [4096, 4096, 4096],
        [4096, 768, 3072],
        [4096, 768, 768],
        [4096, 768, 50304],
        [768, 4096, 3072],
        [1, 768, 50304],
        [1, 768, 3072],
      ];
  for (const [m, k, n] of shapes as [number, number, number][]) {
    for (const layout of ['a·b', 'a·bᵀ', 'aᵀ·b']) {
      const [transposeA, transposeB] = [layout.startsWith('aᵀ'), layout.endsWith('bᵀ')];
      const a = backend.upload(normals('a', m * k), transposeA ? [k, m] : [m, k]);
      const b = backend.upload(normals('b', k * n), transposeB ? [n, k] : [k, n]);
      const y = backend.empty([m, n]);
      const run = () => backend.kernels.matmul({ a, b, y, transposeA, transposeB });
      run();
      const [left, right, out] = [await a.read(), await b.read(), await y.read()];
      const picked = Array.from({ length: 16 }, (_, i) => [
        Math.floor((i * (m - 1)) / 15),
        Math.floor(((15 - i) * (n - 1)) / 15),
      ]);
      const exact = picked.map(([i, j]) => {
        let sum = 0;
        for (let x = 0; x < k; x++)
          sum += left[transposeA ? x * m + i! : i! * k + x]! * right[transposeB ? j! * k + x : x * n + j!]!;
        return sum;
      });
      const ours = picked.map(([i, j]) => out[i! * n + j!]!);
      expectClose(`${layout} of ${m}×${k}·${k}×${n}`, ours, exact, 2e-3);
      const ms = await time(backend, run);
      say('matmul', `${m}×${k}·${k}×${n} ${layout}`, {
        ms,
        'TFLOP/s': (2 * m * k * n) / ms / 1e9,
        'GB/s': (4 * (m * k + k * n + m * n)) / ms / 1e6,
      });
      for (const tensor of [a, b, y]) tensor.dispose();
    }
  }
  await backend.close();
}

const [H, d, power] = [12, 64, 2];

function sequence(backend: WebGpuBackend, T: number, chunk: number | undefined) {
  const leaf = (name: string, data: Float32Array, shape: number[]) => parameter(backend.upload(data, shape));
  const inputs = {
    q: leaf('q', normals('q', T * H * d), [1, T, H, d]),
    k: leaf('k', normals('k', T * H * d), [1, T, H, d]),
    v: leaf('v', normals('v', T * H * d), [1, T, H, d]),
    logGate: leaf('gates', logGates('gates', T * H), [1, T, H]),
  };
  const dy = backend.upload(normals('dy', T * H * d), [1, T, H, d]);
  const recurrence = powerRecurrence({ power, form: 'chunked', ...(chunk ? { chunk } : {}) });
  const pass = (backward: boolean) => {
    const tape = new Tape(backend, { record: backward });
    const { y } = recurrence.sequence(tape, inputs, { finalState: false });
    if (backward) {
      tape.keep(y);
      tape.backward([[y, dy]]);
    }
    return y;
  };
  return { inputs, pass };
}

async function attention(options: Options): Promise<void> {
  const lengths = options.quick ? [256] : [8192, 16384, 32768, 65536];
  for (const chunk of options.quick ? [64] : [undefined, 1024]) {
    for (const T of lengths) {
      const backend = await options.open(false);
      const { inputs, pass } = sequence(backend, T, chunk);
      const shape = `B=1 T=${T} H=${H} d=${d} p=${power} gated, chunk ${chunk ?? 'by default'}`;
      if (T === lengths[0]) {
        const y = backend.scope((keep) => keep(pass(false).value));
        const numbers = await y.read();
        const head = 5;
        const of = async (name: 'q' | 'k' | 'v') => {
          const all = await inputs[name].value.read();
          return {
            data: Float64Array.from({ length: T * d }, (_, i) => all[(Math.floor(i / d) * H + head) * d + (i % d)]!),
            width: d,
          };
        };
        const gates = await inputs.logGate.value.read();
        const logGate = Float64Array.from({ length: T }, (_, t) => gates[t * H + head]!);
        const rows = [0, 1, 63, Math.floor(T / 3), T - 1];
        const expected = powerAttentionRows(
          { q: await of('q'), k: await of('k'), v: await of('v'), logGate, power },
          rows,
        );
        const ours = Float64Array.from(
          expected,
          (_, i) => numbers[(rows[Math.floor(i / d)]! * H + head) * d + (i % d)]!,
        );
        expectClose(shape, ours, expected, 1e-2);
        y.dispose();
      }
      const forward = await time(backend, () => backend.scope(() => void pass(false)));
      const both = await time(backend, () => backend.scope(() => void pass(true)));
      say('power attention', shape, { forward, 'forward+backward': both, 'ns/token': (1e6 * forward) / T });
      await backend.close();
    }
  }
  for (const T of [lengths[0]!, lengths.at(-1)]) {
    for (const backward of [false, true]) {
      await profile('power attention', `T=${T}${backward ? ', forward+backward' : ''}`, options, (backend) => {
        const { pass } = sequence(backend, T, undefined);
        return () => backend.scope(() => void pass(backward));
      });
    }
  }
}

const config = (quick: boolean) =>
  modelConfig(
    quick
      ? { ...variants.conformal, vocabSize: 256, hiddenSize: 64, layers: 2, heads: 2, headSize: 32 }
      : { ...variants.conformal, vocabSize: 50304, rotaryHorizon: 65536 },
  );

async function training(options: Options): Promise<void> {
  for (const T of options.quick ? [64] : [4096]) {
    const backend = await options.open(false);
    const subject = new Training(backend, config(options.quick), { B: 1, T });
    const before = (await subject.look()).loss;
    const ms = await time(backend, () => subject.step(), 3);
    const after = (await subject.look()).loss;
    const { peakBytes } = backend.memory();
    say('training', `${config(options.quick).layers} layers, 1×${T}`, {
      ms,
      'tokens/s': (1e3 * T) / ms,
      before,
      after,
      GiB: peakBytes / 2 ** 30,
    });
    await backend.close();
    await profile('training', `T=${T}`, options, (profiled) => {
      const own = new Training(profiled, config(options.quick), { B: 1, T });
      return () => own.step();
    });
  }
}

async function decode(options: Options): Promise<void> {
  const { quick } = options;
  const backend = await options.open(false);
  for await (const { shape, figures } of decodeOn(backend, config(quick), quick)) say('decode', shape, figures);
  await backend.close();
}

/** Launches of a step, and where the device spends its time. */
async function decodeKernels(options: Options): Promise<void> {
  const { quick } = options;
  for (const rows of quick ? [1] : [1, 64]) {
    await profile('decode', `a step of ${rows}`, options, (profiled) => oneStep(profiled, config(quick), rows));
  }
}

const parts: Record<string, (options: Options) => Promise<void>> = {
  matmul,
  attention,
  training,
  decode,
  decodeKernels,
};

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      create: { type: 'string', multiple: true, default: [] },
    },
  });
  const { create } = await import('webgpu');
  const gpu = create(values.create);
  const { quick } = values;
  const open = (timestamps: boolean) => webgpu({ gpu, timestamps }).open();
  const first = await open(false);
  say('device', first.capabilities.notes.join('; '), { ...first.adapter.limits });
  await first.close();
  for (const part of positionals.length > 0 ? positionals : Object.keys(parts)) {
    try {
      await parts[part]!({ open, quick });
    } catch (error) {
      say(part, 'failed', { error: (error as Error).stack ?? String(error) });
      process.exitCode = 1;
    }
  }
}

await main();
