/**
 * Reading training batches out of a Zarr array in the shape of LongCrawl64, over http and from disk. Its text, again and again, is
 * what the caller names, or that of TypeScript's declaration files.
 */

import { prepare, textInputs, trainingBatches, zarrArray, type TokenSource } from '@sympow/data';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Benchmark, Result } from '../benchmark';
import { WrongResult } from '../check';
import { serveFolder } from '../fileServer';
import { collectGarbage, median } from '../measure';

const batch = 8;
const cacheBytes = 64 * 2 ** 20;

export const reader: Benchmark = {
  name: 'reader',
  summary: 'training batches from a Zarr array over http, with and without cut connections, and the memory of it',
  onBackend: false,
  async *run({ quick, say, text }) {
    const folder = await mkdtemp(join(tmpdir(), 'bench-reader-'));
    try {
      const zarr = quick
        ? { length: 8192, documents: 64, cycle: true }
        : { length: 65_536, documents: 200, cycle: true };
      const types = () => dirname(createRequire(import.meta.url).resolve('typescript'));
      const { inputs } = await textInputs(text ?? types(), text ? {} : { extensions: ['d.ts', 'ts'] });
      for await (const event of prepare(inputs, { out: join(folder, 'text.zarr'), zarr })) {
        if (event.type === 'end')
          say(`wrote ${event.documents} documents of ${zarr.length} tokens in ${event.seconds.toFixed(1)} s`);
      }
      yield* readStore(folder, 'text.zarr', quick ? 2 : 12, say);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

/** Reads a store in a folder, pass after pass. */
async function* readStore(
  folder: string,
  name: string,
  passes: number,
  say: (line: string) => void,
): AsyncGenerator<Result> {
  const server = await serveFolder(folder);
  const open = (where: string) => zarrArray(`${where}/${name}`, { cacheBytes, http: { pause: 1, retries: 20 } });
  try {
    const local = await open(folder);
    const context = Math.min(local.chunks!.tokens, local.documentLength(0) - 1);
    await compare(local, await open(server.address));
    const shape = `${local.documentCount} × ${local.documentLength(0)}, B=${batch} T=${context}`;
    const disk = await onePass(local, context, 'chunks');
    const remote = await open(server.address);
    const first = await onePass(remote, context, 'chunks');
    const speeds = [first.speed];
    const resident: number[] = [];
    for (let pass = 1; pass <= passes; pass++) {
      speeds.push((await onePass(await open(server.address), context, 'chunks')).speed);
      collectGarbage();
      resident.push(process.memoryUsage.rss());
    }
    say(`passes over http: ${speeds.map((speed) => (speed / 1e6).toFixed(1)).join(', ')} M tokens/s`);
    const speed = median(speeds);
    const unit = 'tokens/s' as const;
    yield { shape: `${shape}, http`, ours: speed, peer: disk.speed, peerName: 'from disk', unit };
    const random = await onePass(await open(server.address), context, 'random', 40);
    yield { shape: `${shape}, http`, ours: speed, peer: random.speed, peerName: 'in random order', unit };
    server.cutEvery = 5;
    const cut = await onePass(await open(server.address), context, 'chunks');
    if (server.cuts === 0 || cut.sum !== first.sum) throw new WrongResult('batches differ where connections are cut');
    yield {
      shape: `${shape}, http, ${server.cuts} answers cut`,
      ours: cut.speed,
      peer: speed,
      peerName: 'none cut',
      unit,
    };
    const [before, after] = [resident.slice(0, passes / 2), resident.slice(passes / 2)].map(median);
    yield {
      shape: `process in the later half of ${passes} passes`,
      ours: after!,
      peer: before!,
      peerName: 'in the earlier half',
      unit: 'bytes',
    };
  } finally {
    await server.close();
  }
}

/** Time of a pass through all documents, or of some batches of it, and a sum over what was read. */
async function onePass(source: TokenSource, context: number, order: 'chunks' | 'random', steps = Infinity) {
  const batches = trainingBatches(source, { batch, context, seed: 1, order });
  const rows = source.documentCount * Math.floor((source.documentLength(0) - 1) / context);
  let sum = 0;
  let tokens = 0;
  const begin = performance.now();
  for (let step = 0; step < Math.min(steps, Math.floor(rows / batch)); step++) {
    const { targets } = await batches.next();
    tokens += targets.length;
    for (let i = 0; i < targets.length; i += 97) sum = (sum * 31 + targets[i]!) % 2 ** 40;
  }
  return { speed: (tokens / (performance.now() - begin)) * 1000, sum };
}

/** What is read over http is what lies on disk. */
async function compare(local: TokenSource, remote: TokenSource): Promise<void> {
  for (const document of [0, local.documentCount - 1]) {
    const length = local.documentLength(document);
    const [a, b] = await Promise.all([local.read(document, 0, length), remote.read(document, 0, length)]);
    if (!a.every((id, i) => id === b[i])) throw new WrongResult(`document ${document} differs over http`);
  }
}
