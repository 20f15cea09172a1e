import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { DataError } from '../errors';
import { httpStore, type HttpOptions } from './httpStore';

const FILE = Uint8Array.from({ length: 10_000 }, (_, i) => (i * 7) % 251);
let server: Server | undefined;
afterEach(() => new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve())));

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
    const nobody = httpStore('http://127.0.0.1:1/', { retries: 1, pause: 1 });
    await expect(nobody.read('file', { begin: 5, end: 9 })).rejects.toThrow(DataError);
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

  it('is left alone once the signal has come', async () => {
    const { open } = await serve(() => true);
    const signal = AbortSignal.timeout(30);
    await expect(open({ signal }).read('file', { begin: 5, end: 9 })).rejects.toThrow(/aborted|timeout/i);
  });
});
