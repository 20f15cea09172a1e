import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { lastName, openStore, storeOf } from '.';
import { ConfigError } from '@sympow/embedding';
import { DataError } from '../errors';
import { httpStore, type HttpOptions } from './httpStore';

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
    httpStore(`http://127.0.0.1:${port}/data?key=1`, { pause: 1, ...options });
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
    expect(await store.read('file', { begin: 100, end: 9000 })).toEqual(FILE.subarray(100, 9000));
    expect(asked[0]).toBeUndefined();
    expect(asked.slice(1).sort()).toEqual(['bytes=100-3099', 'bytes=3100-6099', 'bytes=6100-8999']);
    expect(await store.read('file', { last: 10 })).toEqual(FILE.subarray(-10));
    expect(await store.read('file', { atMost: 10_000 })).toEqual(FILE);
    expect(await store.size('file')).toBe(10_000);
  });

  it('has no file where it answers 404', async () => {
    const { open } = await serve();
    expect(await open().read('other', { atMost: 10 })).toBeUndefined();
    expect(await open().read('other', { begin: 0, end: 10 })).toBeUndefined();
    expect(await open().size('other')).toBeUndefined();
  });

  it('that is cut off is asked for the rest', async () => {
    const retries: string[] = [];
    const { open, asked } = await serve(
      ({ before }, response) => before < 2 && cut(response, before * 1000, 5000, 1000),
    );
    const store = open({ onRetry: (message) => retries.push(message) });
    expect(await store.read('file', { begin: 0, end: 5000 })).toEqual(FILE.subarray(0, 5000));
    expect(asked).toEqual(['bytes=0-4999', 'bytes=1000-4999', 'bytes=2000-4999']);
    expect(retries).toHaveLength(2);
    expect(retries[1]).toMatch(/trying again \(2 of 5\)$/);
  });

  it('that is busy is asked later', async () => {
    const { open } = await serve(
      ({ before }, response) => before < 3 && !!response.writeHead([503, 429, 500][before]!).end(),
    );
    expect(await open().read('file', { begin: 5, end: 9 })).toEqual(FILE.subarray(5, 9));
  });

  it('that is silent counts as cut off', async () => {
    const { open } = await serve(({ before }) => before === 0);
    expect(await open({ stall: 50 }).read('file', { begin: 5, end: 9 })).toEqual(FILE.subarray(5, 9));
  });

  it('that stays away is an error that says how often it was tried', async () => {
    const { open, asked } = await serve((_, response) => !!response.writeHead(503).end());
    await expect(open({ retries: 2 }).read('file', { begin: 5, end: 9 })).rejects.toThrow(
      /^cannot read http:.*file\?key=1 \(the server answered 503; tried 3 times\); expected a server that answers\./,
    );
    expect(asked).toHaveLength(3);
    const nobody = httpStore(`http://127.0.0.1:${await freePort()}/`, { retries: 1, pause: 1 });
    await expect(nobody.read('file', { begin: 5, end: 9 })).rejects.toThrow(/ECONNREFUSED.*; tried 2 times/);
  });

  it('that refuses is not asked again', async () => {
    const { open, asked } = await serve((_, response) => !!response.writeHead(403).end());
    await expect(open().read('file', { begin: 5, end: 9 })).rejects.toThrow(/was refused \(403/);
    expect(asked).toHaveLength(1);
  });

  it('that knows no ranges is refused, unless all was wanted', async () => {
    const { open } = await serve(({ range }, response) => range !== undefined && !!response.writeHead(200, { 'content-length': FILE.length }).end(FILE)); // prettier-ignore
    expect(await open().read('file', { atMost: 10_000 })).toEqual(FILE);
    await expect(open().read('file', { begin: 5, end: 9 })).rejects.toThrow(
      /expected a server that knows range requests/,
    );
  });

  it('whose file changes or is too short or too long is an error', async () => {
    const changed = await serve(({ before }, response) => {
      if (before === 0) return cut(response, 0, 100, 50);
      response.writeHead(206, { 'content-range': `bytes 50-99/${FILE.length}`, etag: '"2"' });
      response.end(FILE.subarray(50, 100));
      return true;
    });
    await expect(changed.open().read('file', { begin: 0, end: 100 })).rejects.toThrow(/was replaced while it was read/);
    server!.close();
    const { open } = await serve();
    await expect(open().read('file', { atMost: 9999 })).rejects.toThrow(/is 10000; expected at most 9999 bytes/);
    await expect(open({ part: 10 }).read('file', { begin: 9000, end: 10_001 })).rejects.toThrow(
      /ends after 10000 bytes/,
    );
    await expect(open().read('file', { begin: 9990, end: 10_001 })).rejects.toThrow(/ends after 10000 bytes/);
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
    expect(await store.read('file', { atMost: 10_000 })).toEqual(FILE);
    const again = store.read('file', { begin: 10, end: 20 });
    await expect(again).rejects.toThrow(/file\?key=1 was replaced while it was read/);
    await expect(again).rejects.toThrow(DataError);
    expect(await open().read('file', { begin: 10, end: 20 })).toEqual(FILE.subarray(10, 20));
  });

  it('whose file is removed between two reads is an error, and no file of zeros', async () => {
    const { open } = await serve(
      ({ range }, response) => /-9\d\d\d$/.test(range ?? '') && !!response.writeHead(404).end(),
    );
    const store = open({ part: 3000 });
    await expect(store.read('file', { atMost: 10_000 })).rejects.toThrow(/was removed while it was read/);
  });

  it('that asks for a pause gets it', async () => {
    const { open } = await serve(({ before }, response) => {
      if (before > 1) return false;
      const later = before === 0 ? '1' : new Date(Date.now() + 2000).toUTCString();
      response.writeHead(429, { 'retry-after': later }).end();
      return true;
    });
    const begun = Date.now();
    expect(await open().read('file', { begin: 5, end: 9 })).toEqual(FILE.subarray(5, 9));
    expect(Date.now() - begun).toBeGreaterThan(1900);
  });

  it('that asks for a longer pause than there is patience for is asked before', async () => {
    const { open } = await serve(
      ({ before }, response) => before < 2 && !!response.writeHead(503, { 'retry-after': '3600' }).end(),
    );
    const store = open({ longestPause: 20 });
    expect(await store.read('file', { begin: 5, end: 9 })).toEqual(FILE.subarray(5, 9));
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
    const read = open(options).read('file', { begin: 0, end: 1000 });
    await expect(read).rejects.toThrow(/no more than \d+ bytes came for 0\.1 s|gave others/);
    await expect(read).rejects.toThrow(DataError);
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
    expect(await patient.read('file', { begin: 0, end: 20 })).toEqual(FILE.subarray(0, 20));
  });

  it('says where a file ends that is asked for more', async () => {
    const { open } = await serve(
      (_, response) => !!response.writeHead(416, { 'content-range': `bytes */${FILE.length}` }).end(),
    );
    await expect(open().read('file', { begin: 20_000, end: 20_001 })).rejects.toThrow(/ends after 10000 bytes/);
  });

  it.each(['-5', '1e3', '', '99999999999999999999', 'many'])('cannot have "%s" bytes', async (length) => {
    const own = () => Promise.resolve(new Response(null, { headers: { 'content-length': length } }));
    const store = httpStore('http://example.org/', { fetch: own });
    await expect(store.read('file', { atMost: 2 ** 20 })).rejects.toThrow(/does not say how large it is/);
  });

  it('is not asked again where fetch refuses to ask', async () => {
    let asked = 0;
    const own: typeof fetch = (...args) => {
      asked++;
      return fetch(...args);
    };
    const store = httpStore('http://127.0.0.1:6000/', { fetch: own, pause: 1 });
    await expect(store.read('file', { begin: 0, end: 1 })).rejects.toThrow(
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
      const store = httpStore('http://example.org/', { fetch: own, retries: 1, pause: 1 });
      await expect(store.read('file', { begin: 0, end: 10 })).rejects.toThrow(DataError);
      await expect(store.size('file')).rejects.toThrow(DataError);
    }
  });

  it('is not asked at an address that is none, or with headers that cannot be sent', () => {
    expect(() => httpStore('http://[/')).toThrow(/^http:\/\/\[\/ is no address/);
    expect(() => httpStore('http://me:secret@example.org/')).toThrow(/^the address at example\.org has a user in it/);
    expect(() => httpStore('http://example.org/', { headers: { 'a b': 'secret\n' } })).toThrow(ConfigError);
    expect(() => httpStore('http://example.org/', { headers: { 'a b': 'secret\n' } })).not.toThrow(/secret/);
    for (const location of ['http://[', 'https://a b/x.bin']) {
      expect(() => openStore(location)).toThrow(DataError);
      expect(() => storeOf(location)).toThrow(DataError);
      expect(() => lastName(location)).toThrow(DataError);
    }
    expect(lastName('http://example.org/%E0%A4%A.zarr/')).toBe('%E0%A4%A.zarr');
  });

  it('is left alone once the signal has come', async () => {
    const { open } = await serve(() => true);
    const signal = AbortSignal.timeout(30);
    await expect(open({ signal }).read('file', { begin: 5, end: 9 })).rejects.toThrow(/aborted|timeout/i);
  });
});
