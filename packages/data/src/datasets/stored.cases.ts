// Datasets of the same texts in every kind, in a folder and on a server.
import { promises as fs } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import type { TokenSource } from '../api';
import { prepare } from '../prepare/prepare';
import { gpt2Tokenizer } from '../tokenizers/gpt2';

export let folder: string;
let server: Server;

/** The folder on a server. */
export const served = {
  address: '',
  /** What was asked for: tests empty it. */
  asked: [] as string[],
  /** May spoil an answer. */
  spoil: (_path: string, _response: ServerResponse): boolean => false,
};

/** Documents of words whose tokens of GPT-2 differ. */
export const texts = Array.from({ length: 12 }, (_, i) => {
  const bytes = new TextEncoder().encode(Array.from({ length: 400 }, (_, j) => ` ${(i * 37 + j * 11) % 997}`).join(''));
  return { name: `text ${i}`, size: bytes.length, read: async () => bytes };
});

beforeAll(async () => {
  folder = await fs.mkdtemp(join(tmpdir(), 'stored-'));
  const tokenizer = await gpt2Tokenizer();
  const zarr = { length: 256, chunk: [4, 64] } as const;
  const outs = [
    { out: join(folder, 'v2.zarr'), zarr: { ...zarr, version: 2 as const } },
    { out: join(folder, 'v3.zarr'), zarr },
    { out: join(folder, 'tokens.bin') },
  ];
  for (const options of outs) for await (const _ of prepare(texts, { tokenizer, ...options }));
  server = createServer(
    (request, response) => void answer(request.url!, request.headers.range, request.method!, response),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  served.address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  await fs.rm(folder, { recursive: true });
});

async function answer(path: string, range: string | undefined, method: string, response: ServerResponse) {
  served.asked.push(`${method} ${path} ${range ?? ''}`);
  if (served.spoil(path, response)) return;
  const file = await fs.readFile(join(folder, decodeURIComponent(path))).catch(() => undefined);
  if (!file) return void response.writeHead(404).end();
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
  const part = range === undefined ? file : file.subarray(Number(from), Number(to) + 1);
  response.writeHead(range === undefined ? 200 : 206, {
    'content-length': part.length,
    ...(range !== undefined && { 'content-range': `bytes ${from}-${Number(from) + part.length - 1}/${file.length}` }),
  });
  response.end(method === 'HEAD' ? undefined : part);
}

export async function all(source: TokenSource): Promise<number[][]> {
  const documents: number[][] = [];
  for (let i = 0; i < source.documentCount; i++)
    documents.push([...(await source.read(i, 0, source.documentLength(i)))]);
  return documents;
}

/** A copy of a dataset to do harm to. */
export async function harmed(name: string, harm: (path: string) => Promise<void>): Promise<string> {
  const path = join(folder, `harmed-${Math.random()}.zarr`);
  await fs.cp(join(folder, name), path, { recursive: true });
  await harm(path);
  return path;
}

/** Other fields in a file of JSON. */
export async function edit(file: string, change: object): Promise<void> {
  await fs.writeFile(file, JSON.stringify({ ...(JSON.parse(await fs.readFile(file, 'utf8')) as object), ...change }));
}
