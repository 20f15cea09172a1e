// Checkpoints behind an address: servers with and without ranges, cut connections, files that become others.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { js } from '@sympow/kernels';
import { httpStorage, isStorageError, memoryStorage, type Storage } from '@sympow/storage';
import { livelyModel, tinyConfig } from '@sympow-tools/tiny';
import { afterEach, describe, expect, it } from 'vitest';
import { loadModel, readJson, saveCheckpoint, saveModel } from './checkpoint';
import { fingerprintOf } from './fingerprint';

const backend = await js().open();
const model = livelyModel(backend, tinyConfig());
const files = { 'tokenizer.json': '{"model":{"type":"bytes"}}' };

interface Serving {
  readonly ranges?: boolean;
  /** Answers a GET in another way than with `part`; says whether it did. */
  readonly spoil?: (name: string, part: Uint8Array, response: ServerResponse) => boolean;
}

const stops: (() => void)[] = [];
afterEach(() => stops.splice(0).forEach((stop) => stop()));

/** Serves a storage; what it is asked for is listed. */
async function serve(storage: Storage, { ranges = true, spoil = () => false }: Serving = {}) {
  const asked: string[] = [];
  const versions = new Map<string, string>();
  const answer = async ({ url, method, headers }: IncomingMessage, response: ServerResponse) => {
    const names = url!.split('/').slice(1);
    const name = names.pop()!;
    const folder = names.reduce((above, next) => above.folder(next), storage);
    const file = await folder.read(name).catch(() => undefined);
    if (!file) return void response.writeHead(404).end();
    const [, from = 0, to = file.length - 1] = (/^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? []).map(Number);
    const partial = ranges && headers.range !== undefined;
    const part = partial ? file.subarray(from, to + 1) : file;
    if (method === 'GET') asked.push(`${name} ${headers.range ?? 'whole'}`);
    const range = { 'content-range': `bytes ${from}-${from + part.length - 1}/${file.length}` };
    const etag = versions.get(name) ?? '"1"';
    response.writeHead(partial ? 206 : 200, { 'content-length': part.length, etag, ...(partial && range) });
    if (method === 'HEAD') return void response.end();
    if (!spoil(name, part, response)) response.end(part);
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stops.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, versions };
}

async function saved(): Promise<Storage> {
  const storage = memoryStorage();
  await saveModel(storage.folder('first'), model, files);
  return storage;
}

/** @throws unless the model behind the storage is the one that was saved */
async function expectCopy(from: Storage | string): Promise<void> {
  const copy = await loadModel(backend, from);
  expect(await fingerprintOf(copy)).toBe(await fingerprintOf(model));
  copy.dispose();
}

describe('a checkpoint behind an address', () => {
  it('is loaded by its address, in few requests', async () => {
    const { address, asked } = await serve(await saved());
    await expectCopy(`${address}/first`);
    await expectCopy(`${address}/first/`);
    const weights = asked.filter((request) => request.startsWith('model.safetensors'));
    expect(weights).toHaveLength(2);
    expect(asked).toContainEqual(expect.stringMatching(/^config\.json bytes=0-/));
  });

  it('is loaded from a server that knows no ranges', async () => {
    const { address, asked } = await serve(await saved(), { ranges: false });
    await expectCopy(`${address}/first`);
    expect(asked.filter((request) => request === 'model.safetensors whole')).toHaveLength(0);
    await expectCopy(httpStorage(`${address}/first`, { cacheBytes: 0 }));
    expect(asked.filter((request) => request === 'model.safetensors whole')).toHaveLength(1);
  });

  it('is loaded though connections are cut', async () => {
    let requests = 0;
    const { address, asked } = await serve(await saved(), {
      spoil(_, part, response) {
        if (requests++ % 3 > 0 || part.length < 8) return false;
        response.write(part.subarray(0, part.length >> 1), () => setTimeout(() => response.destroy(), 5));
        return true;
      },
    });
    const retries: string[] = [];
    const onRetry = (why: string) => void retries.push(why);
    await expectCopy(httpStorage(`${address}/first`, { pause: 1, part: 500, cacheBytes: 0, onRetry }));
    expect(retries.length).toBeGreaterThan(5);
    expect(asked.length).toBeLessThan(2 * (asked.length - retries.length));
  });

  it('that becomes another one while it is loaded is refused', async () => {
    const storage = await saved();
    const { address, versions } = await serve(storage, {
      spoil(name) {
        if (name === 'config.json') versions.set('model.safetensors', '"2"');
        return false;
      },
    });
    versions.set('model.safetensors', '"1"');
    const open = httpStorage(`${address}/first`, { cacheBytes: 0 });
    await open.size('model.safetensors');
    const before = backend.memory().liveBuffers;
    const error: unknown = await loadModel(backend, open).catch((thrown: unknown) => thrown);
    expect(isStorageError(error, 'changed'), String(error)).toBe(true);
    expect((error as Error).message).toMatch(/model\.safetensors was replaced while it was read/);
    expect(backend.memory().liveBuffers).toBe(before);
  });

  it('is named itself, as a server lists nothing', async () => {
    const storage = memoryStorage();
    await saveCheckpoint(storage.folder('run'), { model, step: 7, files });
    const { address } = await serve(storage);
    await expect(loadModel(backend, `${address}/run`)).rejects.toThrow(
      /^there is no checkpoint in http:.*\/run; expected .*name the folder of the checkpoint itself\.$/,
    );
    await expectCopy(`${address}/run/checkpoints/step-00000007`);
  });

  it('has a tokenizer, and nothing that is not there', async () => {
    const { address } = await serve(await saved());
    const storage = httpStorage(`${address}/first`);
    expect(await readJson(storage, 'tokenizer.json')).toEqual({ model: { type: 'bytes' } });
    await expect(readJson(storage, 'training.json')).rejects.toThrow(/^there is no file http:/);
    await expect(readJson(storage, 'tokenizer.json', 4)).rejects.toThrow(/expected at most 4 bytes/);
  });
});
