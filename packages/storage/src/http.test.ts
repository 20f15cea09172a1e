import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ConfigError } from '@sympow/core';
import { lastName } from './address';
import { StorageError } from './errors';
import { readWhole } from './files';
import { httpStorage, type HttpOptions } from './http';
import { openFile, openStorage } from './open';

const FILE = Uint8Array.from({ length: 10_000 }, (_, i) => (i * 7) % 251);
let server: Server | undefined;
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise<void>((resolve) => (server?.listening ? server.close(() => resolve()) : resolve()));
});

interface Asked {
  readonly range: string | undefined;
  /** How many requests came before. */
  readonly before: number;
}

/** Starts a server whose answers may be spoiled; returns where it is and what it was asked. */
async function serve(spoil: (asked: Asked, response: ServerResponse) => boolean = () => false) {
  const asked: (string | undefined)[] = [];
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const { range } = request.headers;
    asked.push(range);
    if (spoil({ range, before: asked.length - 1 }, response)) return;
    if (request.url !== '/data/file?key=1') return void response.writeHead(404).end();
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
    const part = range === undefined ? FILE : FILE.subarray(Number(from), Number(to) + 1);
    response.writeHead(range === undefined ? 200 : 206, {
      'content-length': part.length,
      etag: '"1"',
      ...(range !== undefined && { 'content-range': `bytes ${from}-${Number(from) + part.length - 1}/${FILE.length}` }),
    });
    response.end(request.method === 'HEAD' ? undefined : part);
  };
  server = createServer(answer);
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const open = (options: HttpOptions = {}) =>
    httpStorage(`http://127.0.0.1:${port}/data?key=1`, { pause: 1, cacheBytes: 0, ...options });
  return { asked, open };
}

/** A port on which nobody listens. */
async function freePort(): Promise<number> {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const { port } = taken.address() as AddressInfo;
  await new Promise((resolve) => taken.close(resolve));
  return port;
}

/** Sends some bytes of an answer and cuts the connection. */
function cut(response: ServerResponse, from: number, to: number, sent: number): true {
  response.writeHead(206, {
    'content-length': to - from,
    'content-range': `bytes ${from}-${to - 1}/${FILE.length}`,
    etag: '"1"',
  });
  response.write(FILE.subarray(from, from + sent), () => setTimeout(() => response.destroy(), 20));
  return true;
}

describe('a server', () => {
  it('is asked for ranges, several at once, and never for more than was wanted', async () => {
    const { open, asked } = await serve();
    const store = open({ part: 3000 });
    expect(await store.read('file', 100, 9000)).toEqual(FILE.subarray(100, 9000));
    expect(asked[0]).toBeUndefined();
    expect(asked.slice(1).sort()).toEqual(['bytes=100-3099', 'bytes=3100-6099', 'bytes=6100-8999']);
    expect(await store.read('file')).toEqual(FILE);
    expect(await readWhole(store, 'file', 10_000)).toEqual(FILE);
    expect(await store.size('file')).toBe(10_000);
  });

  it('has no file where it answers 404', async () => {
    const { open } = await serve();
    expect(await readWhole(open(), 'other', 10)).toBeUndefined();
    await expect(open().read('other', 0, 10)).rejects.toThrow(/^there is no file http.*other/);
    expect(await open().size('other')).toBeUndefined();
  });

  it('that is cut off is asked for the rest', async () => {
    const retries: string[] = [];
    const { open, asked } = await serve(
      ({ before }, response) => before < 2 && cut(response, before * 1000, 5000, 1000),
    );
    const store = open({ onRetry: (message) => retries.push(message) });
    expect(await store.read('file', 0, 5000)).toEqual(FILE.subarray(0, 5000));
    expect(asked).toEqual(['bytes=0-4999', 'bytes=1000-4999', 'bytes=2000-4999']);
    expect(retries).toHaveLength(2);
    expect(retries[1]).toMatch(/trying again \(2 of 5\)$/);
  });

  it('that is busy is asked later', async () => {
    const { open } = await serve(
      ({ before }, response) => before < 3 && !!response.writeHead([503, 429, 500][before]!).end(),
    );
    expect(await open().read('file', 5, 9)).toEqual(FILE.subarray(5, 9));
  });

  it('that is silent counts as cut off', async () => {
    const { open } = await serve(({ before }) => before === 0);
    expect(await open({ stall: 50 }).read('file', 5, 9)).toEqual(FILE.subarray(5, 9));
  });

  it('that stays away is an error that says how often it was tried', async () => {
    const { open, asked } = await serve((_, response) => !!response.writeHead(503).end());
    await expect(open({ retries: 2 }).read('file', 5, 9)).rejects.toThrow(
      /^cannot read http:.*file\?key=1 \(the server answered 503; tried 3 times\); expected a server that answers\./,
    );
    expect(asked).toHaveLength(3);
    const nobody = httpStorage(`http://127.0.0.1:${await freePort()}/`, { retries: 1, pause: 1 });
    await expect(nobody.read('file', 5, 9)).rejects.toThrow(/ECONNREFUSED.*; tried 2 times/);
  });

  it('that refuses is not asked again', async () => {
    const { open, asked } = await serve((_, response) => !!response.writeHead(403).end());
    await expect(open().read('file', 5, 9)).rejects.toThrow(/was refused \(403/);
    expect(asked).toHaveLength(1);
  });

  it('that knows no ranges is asked for the whole file once, unless that is too large', async () => {
    const rangeless = () =>
      serve(({ range }, response) => range !== undefined && !!response.writeHead(200, { 'content-length': FILE.length }).end(FILE)); // prettier-ignore
    const { open, asked } = await rangeless();
    const store = open({ part: 100 });
    expect(await store.read('file', 5, 9)).toEqual(FILE.subarray(5, 9));
    expect(await store.read('file', 100, 9000)).toEqual(FILE.subarray(100, 9000));
    expect(asked).toEqual(['bytes=5-8', undefined]);
    await expect(store.read('file', 9000, 10_001)).rejects.toThrow(/ends after 10000 bytes/);
    expect(await readWhole(open({ wholeBytes: 0 }), 'file', 10_000)).toEqual(FILE);
    for (const wholeBytes of [0, 9999]) {
      await expect(open({ wholeBytes }).read('file', 5, 9)).rejects.toThrow(
        /expected a server that knows range requests/,
      );
    }
  });

  it('that knows no ranges and is cut off is asked again', async () => {
    let sent = 0;
    const { open } = await serve((_, response) => {
      response.writeHead(200, { 'content-length': FILE.length });
      if (++sent === 2) response.write(FILE.subarray(0, 100), () => setTimeout(() => response.destroy(), 20));
      else response.end(FILE);
      return true;
    });
    expect(await open().read('file', 5000, 5009)).toEqual(FILE.subarray(5000, 5009));
    expect(sent).toBe(3);
  });

  it('of another origin need not show which range it gives', async () => {
    const own = (async () => {
      const response = new Response(FILE.slice(10, 20), { status: 206, headers: { 'content-length': '10' } });
      Object.defineProperty(response, 'type', { value: 'cors' });
      return response;
    }) as typeof fetch;
    const store = httpStorage('http://example.org/', { fetch: own, retries: 0, cacheBytes: 0 });
    expect(await store.read('file', 10, 20)).toEqual(FILE.subarray(10, 20));
    await expect(store.read('file', 10, 21)).rejects.toThrow(/gave others/);
  });

  it('is asked once for what lies close together', async () => {
    const { open, asked } = await serve();
    const store = open({ cacheBytes: 2 ** 20 });
    for (let at = 0; at < 9000; at += 1000)
      expect(await store.read('file', at, at + 7)).toEqual(FILE.subarray(at, at + 7));
    expect(asked).toEqual([undefined, 'bytes=0-9999']);
    await expect(store.read('file', 9999, 10_001)).rejects.toThrow(/ends after 10000 bytes/);
    await expect(store.read('other', 0, 7)).rejects.toThrow(/^there is no file/);
  });

  it('can be read alone, and not listed', async () => {
    const { open } = await serve();
    const store = open();
    await expect(store.write('file', '')).rejects.toThrow(/^cannot write http.*\/data\/file: .*can be read alone/);
    await expect(store.rename('file', 'other')).rejects.toThrow(StorageError);
    await expect(store.remove('file')).rejects.toThrow(StorageError);
    await expect(store.list()).rejects.toThrow(/cannot be listed/);
    expect(store.path).toMatch(/^http:.*\/data$/);
    const above = httpStorage(`${store.path.replace(/\/data$/, '')}?key=1`);
    expect(await above.folder('data').size('file')).toBe(10_000);
  });

  it('whose file changes or is too short or too long is an error', async () => {
    const changed = await serve(({ before }, response) => {
      if (before === 0) return cut(response, 0, 100, 50);
      response.writeHead(206, { 'content-range': `bytes 50-99/${FILE.length}`, etag: '"2"' });
      response.end(FILE.subarray(50, 100));
      return true;
    });
    await expect(changed.open().read('file', 0, 100)).rejects.toThrow(/was replaced while it was read/);
    server!.close();
    const { open } = await serve();
    await expect(readWhole(open(), 'file', 9999)).rejects.toThrow(/is 10000; expected at most 9999 bytes/);
    await expect(open({ part: 10 }).read('file', 9000, 10_001)).rejects.toThrow(/ends after 10000 bytes/);
    await expect(open().read('file', 9990, 10_001)).rejects.toThrow(/ends after 10000 bytes/);
  });

  it.each([
    ['tag', { etag: '"2"' }],
    ['date', { etag: '"1"', 'last-modified': 'Fri, 27 Nov 2026 10:00:00 GMT' }],
    ['size', { etag: '"1"', 'content-range': 'bytes 10-19/9999' }],
  ])('whose file is replaced between two reads, by its %s, is an error', async (_, headers) => {
    const { open } = await serve(({ before }, response) => {
      if (before < 2) {
        response.setHeader('last-modified', 'Thu, 26 Nov 2026 10:00:00 GMT');
        return false;
      }
      const range = `bytes 10-19/${FILE.length}`;
      response.writeHead(206, { 'content-range': range, ...headers }).end(FILE.subarray(10, 20));
      return true;
    });
    const store = open();
    expect(await readWhole(store, 'file', 10_000)).toEqual(FILE);
    const again = store.read('file', 10, 20);
    await expect(again).rejects.toThrow(/file\?key=1 was replaced while it was read/);
    await expect(again).rejects.toThrow(StorageError);
    expect(await open().read('file', 10, 20)).toEqual(FILE.subarray(10, 20));
  });

  it('whose file is removed between two reads is an error, and no file of zeros', async () => {
    const { open } = await serve(
      ({ range }, response) => /-9\d\d\d$/.test(range ?? '') && !!response.writeHead(404).end(),
    );
    const store = open({ part: 3000 });
    await expect(readWhole(store, 'file', 10_000)).rejects.toThrow(/was removed while it was read/);
  });

  it('that asks for a pause gets it', async () => {
    const { open } = await serve(({ before }, response) => {
      if (before > 1) return false;
      const later = before === 0 ? '1' : new Date(Date.now() + 2000).toUTCString();
      response.writeHead(429, { 'retry-after': later }).end();
      return true;
    });
    const begun = Date.now();
    expect(await open().read('file', 5, 9)).toEqual(FILE.subarray(5, 9));
    expect(Date.now() - begun).toBeGreaterThan(1900);
  });

  it('that asks for a longer pause than there is patience for is asked before', async () => {
    const { open } = await serve(
      ({ before }, response) => before < 2 && !!response.writeHead(503, { 'retry-after': '3600' }).end(),
    );
    const store = open({ longestPause: 20 });
    expect(await store.read('file', 5, 9)).toEqual(FILE.subarray(5, 9));
  });

  it('that brings byte after byte and never ends counts as cut off', async () => {
    const drip = (_: Asked, response: ServerResponse) => {
      response.writeHead(206, { 'content-length': 1000, 'content-range': `bytes 0-999/${FILE.length}`, etag: '"1"' });
      const timer = setInterval(() => response.write('x'), 5);
      response.on('close', () => clearInterval(timer));
      return true;
    };
    const { open } = await serve(drip);
    const retries: string[] = [];
    const options = { stall: 100, retries: 1, onRetry: (message: string) => void retries.push(message) };
    const read = open(options).read('file', 0, 1000);
    await expect(read).rejects.toThrow(/no more than \d+ bytes came for 0\.1 s|gave others/);
    await expect(read).rejects.toThrow(StorageError);
    expect(retries[0]).toMatch(/no more than \d+ bytes came for 0\.1 s; trying again/);
  });

  it('that brings little is waited for where that is wanted', async () => {
    const { open } = await serve((_, response) => {
      response.writeHead(206, { 'content-length': 20, 'content-range': `bytes 0-19/${FILE.length}` });
      let sent = 0;
      const timer = setInterval(() => {
        response.write(FILE.subarray(sent, ++sent));
        if (sent === 20) {
          clearInterval(timer);
          response.end();
        }
      }, 20);
      return true;
    });
    const patient = open({ stall: 300, pace: 0, retries: 0 });
    expect(await patient.read('file', 0, 20)).toEqual(FILE.subarray(0, 20));
  });

  it('says where a file ends that is asked for more', async () => {
    const { open } = await serve(
      (_, response) => !!response.writeHead(416, { 'content-range': `bytes */${FILE.length}` }).end(),
    );
    await expect(open().read('file', 20_000, 20_001)).rejects.toThrow(/ends after 10000 bytes/);
  });

  it.each(['-5', '1e3', '', '99999999999999999999', 'many'])('cannot have "%s" bytes', async (length) => {
    const own = () => Promise.resolve(new Response(null, { headers: { 'content-length': length } }));
    const store = httpStorage('http://example.org/', { fetch: own });
    await expect(readWhole(store, 'file', 2 ** 20)).rejects.toThrow(/does not say how large it is/);
  });

  it('is not asked again where fetch refuses to ask', async () => {
    let asked = 0;
    const own: typeof fetch = (...args) => {
      asked++;
      return fetch(...args);
    };
    const store = httpStorage('http://127.0.0.1:6000/', { fetch: own, pause: 1 });
    await expect(store.read('file', 0, 1)).rejects.toThrow(
      /^cannot read http:\/\/127\.0\.0\.1:6000\/file \(bad port\); expected an address that may be asked/,
    );
    expect(asked).toBe(1);
  });

  it('may answer with anything, and the error is one of ours', async () => {
    for (const own of [
      () => Promise.reject(new Error('no')),
      () => Promise.resolve(undefined as unknown as Response),
      () => Promise.resolve(new Response(null, { status: 204 })),
      () => Promise.resolve(new Response(null, { status: 206, headers: { 'content-range': 'bytes 0-9/10' } })),
      () => {
        throw new Error('at once');
      },
    ] as (typeof fetch)[]) {
      const store = httpStorage('http://example.org/', { fetch: own, retries: 1, pause: 1 });
      await expect(store.read('file', 0, 10)).rejects.toThrow(StorageError);
      await expect(store.size('file')).rejects.toThrow(StorageError);
    }
  });

  it('is not asked at an address that is none, or with headers that cannot be sent', () => {
    expect(() => httpStorage('http://[/')).toThrow(/^http:\/\/\[\/ is no address/);
    expect(() => httpStorage('http://me:secret@example.org/')).toThrow(/^the address at example\.org has a user in it/);
    expect(() => httpStorage('http://example.org/', { headers: { 'a b': 'secret\n' } })).toThrow(ConfigError);
    expect(() => httpStorage('http://example.org/', { headers: { 'a b': 'secret\n' } })).not.toThrow(/secret/);
    for (const location of ['http://[', 'https://a b/x.bin']) {
      expect(() => openStorage(location)).toThrow(StorageError);
      expect(() => openFile(location)).toThrow(StorageError);
      expect(() => lastName(location)).toThrow(StorageError);
    }
    expect(lastName('http://example.org/%E0%A4%A.zarr/')).toBe('%E0%A4%A.zarr');
  });

  it('is left alone once the signal has come', async () => {
    const { open } = await serve(() => true);
    const signal = AbortSignal.timeout(30);
    await expect(open({ signal }).read('file', 5, 9)).rejects.toThrow(/aborted|timeout/i);
  });
});
