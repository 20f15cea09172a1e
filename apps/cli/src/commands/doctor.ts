// `sympow doctor`: what can compute here, why the rest cannot, and how fast each is, measured after a check of its result.

import { backends, engineFlags, openBackend } from '@sympow/backends';
import { isSympowError, type Backend } from '@sympow/kernels';
import { arch, cpus, platform, totalmem } from 'node:os';
import { tryWithoutBoundsChecks } from '../boundsChecks';
import type { Command } from '../command';
import { bytes, createOutput, quantity, type Output } from '../output';

interface Finding {
  readonly name: string;
  readonly available: boolean;
  readonly reason?: string;
  readonly gflops?: number;
  readonly threads?: number;
  readonly float?: string;
  readonly notes?: readonly string[];
}

/** Sizes of the measured products: the next larger one where a device is done in less time than it takes to ask for it. */
const sizes = [256, 1024, 4096];
const shortest = 5;

/** GFLOP/s of a square product in the backend's own element type. */
export async function measure(backend: Backend): Promise<number> {
  let best = { gflops: 0, milliseconds: 0 };
  for (const size of sizes) {
    best = await measureProduct(backend, size);
    if (best.milliseconds >= shortest) break;
  }
  return best.gflops;
}

/** The best of several rounds. */
async function measureProduct(backend: Backend, size: number): Promise<{ gflops: number; milliseconds: number }> {
  const a = backend.upload(
    Float32Array.from({ length: size * size }, (_, i) => ((i * 7) % 13) / 13 - 0.5),
    [size, size],
  );
  const y = backend.empty([size, size]);
  const product = async () => {
    const start = performance.now();
    backend.kernels.matmul({ a, b: a, y });
    await backend.finish();
    return performance.now() - start;
  };
  await product();
  checkProduct(size, await a.read(), await y.read());
  let best = Infinity;
  for (let round = 0; round < 8; round++) best = Math.min(best, await product());
  a.dispose();
  y.dispose();
  return { gflops: (2 * size ** 3) / best / 1e6, milliseconds: best };
}

/** A row of the product against its definition: speed of a wrong result is worth nothing. */
function checkProduct(size: number, a: ArrayLike<number>, y: ArrayLike<number>): void {
  const row = size - 1;
  for (let column = 0; column < size; column++) {
    let sum = 0;
    for (let k = 0; k < size; k++) sum += a[row * size + k]! * a[k * size + column]!;
    if (!(Math.abs(sum - y[row * size + column]!) <= 1e-3))
      throw new Error(`wrong product: ${y[row * size + column]} instead of ${sum}`);
  }
}

async function examine(name: string): Promise<Finding> {
  try {
    const { backend } = await openBackend(name);
    try {
      const { threads, float, notes } = backend.capabilities;
      return { name, available: true, gflops: await measure(backend), threads, float, notes };
    } finally {
      await backend.close();
    }
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return {
      name,
      available: false,
      reason: isSympowError(error) ? error.message : `failed: ${error.message}`,
    };
  }
}

const indent = ' '.repeat(13);

/** A text in lines that a terminal does not break, below the words that follow a backend's name. */
function hanging(text: string): string {
  const columns = Math.min(process.stdout.columns || 100, 110);
  const lines = [indent];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    const longer = line === indent ? line + word : `${line} ${word}`;
    if (longer.length <= columns || line === indent) lines[lines.length - 1] = longer;
    else lines.push(indent + word);
  }
  return lines.join('\n');
}

/** The conformance suite on the GPU without checks of indexes; the exit code is 1 unless all of it passes. */
async function withoutBoundsChecks(output: Output): Promise<void> {
  const [{ cases }, { backend }] = await Promise.all([
    import('@sympow/conformance'),
    openBackend('webgpu', { own: { boundsChecks: 'trial' } }),
  ]);
  try {
    output.print(`${backend.capabilities.notes.join('; ')}`);
    const { fingerprint, complaints } = await tryWithoutBoundsChecks(
      backend as typeof backend & { fingerprint: string },
      {
        cases,
        onProgress: (done, of) =>
          output.progress(`${quantity(done)} of ${quantity(of)} cases of the conformance suite`),
      },
    );
    const passed = complaints.length === 0;
    if (passed) {
      output.print(`  ✓ ${quantity(cases.length)} cases have right numbers without checks of indexes`);
      output.print(
        `--backend webgpu --bounds-checks off is allowed here now, with this Dawn, driver and version of sympow`,
      );
    } else {
      output.print(
        `  ✗ ${quantity(complaints.length)} of ${quantity(cases.length)} cases are wrong without checks of indexes`,
      );
      for (const complaint of complaints.slice(0, 10)) output.print(hanging(complaint));
      process.exitCode = 1;
    }
    output.json({ passed, cases: cases.length, complaints, fingerprint });
  } finally {
    await backend.close();
  }
}

export const doctor: Command = {
  name: 'doctor',
  description: 'Say which backends can run here, why others cannot, and how fast each is.',
  examples: ['sympow doctor', 'sympow doctor --without-bounds-checks'],
  options: (command) =>
    void command.option(
      '--without-bounds-checks',
      'hold the GPU to the conformance suite without checks of indexes; if it passes, --bounds-checks off is allowed',
    ),
  async run(_args, options) {
    const output = createOutput(options.json === true);
    if (options.withoutBoundsChecks === true) return withoutBoundsChecks(output);
    const cpu = cpus();
    const machine = {
      node: process.version,
      platform: `${platform()} ${arch()}`,
      cpu: cpu[0]?.model.trim() ?? 'unknown',
      cores: cpu.length,
      memory: totalmem(),
    };
    output.print(
      `node ${machine.node}, ${machine.platform}, ${machine.cores} × ${machine.cpu}, ${bytes(machine.memory)}`,
    );
    const v8 = await engineFlags('auto');
    output.print(`V8 flags: ${v8.flags.join(' ') || 'none'} (${v8.reason})`);
    const found: Finding[] = [];
    for (const { name } of backends) found.push(await examine(name));
    for (const { name, available, reason, gflops, threads, float, notes } of found) {
      if (available) {
        const speed = `${gflops!.toFixed(1)} GFLOP/s in ${float}, ${threads} thread${threads === 1 ? '' : 's'}`;
        output.print(`  ✓ ${name.padEnd(8)} ${speed}\n${hanging(notes!.join('; '))}`);
      } else output.print(`  ✗ ${name.padEnd(8)} ${hanging(reason!).trimStart()}`);
    }
    const { backend, name: chosen, refused } = await openBackend();
    await backend.close();
    output.print(`auto takes ${chosen}`);
    output.json({ ...machine, v8, backends: found, auto: chosen, refused });
  },
};
