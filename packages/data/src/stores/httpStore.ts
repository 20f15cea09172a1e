// A server that answers requests for parts of files. Connections that are cut, and answers that say "later", are tried again
// after a pause that doubles; what came before the cut is kept, and only the rest is asked for.
import { DataError } from '../errors';
import { requireWhole } from '../options';
import type { ByteStore } from './api';
import { resolveRange } from './range';

/** How a server is asked. */
export interface HttpOptions {
  /** Headers of every request, such as `authorization`. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** How often a request is tried again before it fails; 5 unless said otherwise. */
  retries?: number | undefined;
  /** Milliseconds before it is tried again for the first time; 250 unless said otherwise. The pause doubles up to 32 times it. */
  pause?: number | undefined;
  /** Milliseconds without a byte after which a connection counts as cut; 30,000 unless said otherwise. */
  stall?: number | undefined;
  /** Bytes asked for at once; 4 MiB unless said otherwise. */
  part?: number | undefined;
  /** Stops all requests. */
  signal?: AbortSignal | undefined;
  /** Told when a request is tried again, and why. */
  onRetry?: ((message: string) => void) | undefined;
  /** Used in place of the global `fetch`. */
  fetch?: typeof fetch | undefined;
}

/** Parts of one file that are under way at once. */
const PARALLEL = 4;

/** What a server said about a file. */
interface Found {
  /** Bytes in the whole file. */
  readonly size: number;
  /** Changes when the file does. */
  readonly tag: string | undefined;
}

/**
 * The files below an address. A query in the address is put behind every file's.
 *
 * @throws ConfigError for an option out of range
 */
export function httpStore(address: string, options: HttpOptions = {}): ByteStore {
  const { retries = 5, pause = 250, stall = 30_000, part = 4 * 2 ** 20 } = options;
  requireWhole('retries', retries, 0);
  for (const [what, value] of Object.entries({ pause, stall, part })) requireWhole(what, value, 1);
  const base = new URL(address);
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  const locate = (key: string) => {
    const url = new URL(key.split('/').map(encodeURIComponent).join('/'), base);
    url.search = base.search;
    return url.href;
  };
  const ask = { ...options, retries, pause, stall };

  async function read(url: string, begin: number, end: number, tag: string | undefined): Promise<Uint8Array> {
    const bytes = new Uint8Array(end - begin);
    const parts = Math.ceil(bytes.length / part);
    let next = 0;
    const worker = async () => {
      for (let at = next++; at < parts; at = next++) {
        const from = at * part;
        const to = Math.min(from + part, bytes.length);
        await readPart(url, begin + from, bytes.subarray(from, to), tag, ask);
      }
    };
    await Promise.all(Array.from({ length: Math.min(PARALLEL, parts) }, worker));
    return bytes;
  }

  return {
    name: address,
    locate,
    async read(key, range) {
      const url = locate(key);
      if ('end' in range && range.end - range.begin <= part) {
        // One request, without asking for the size before.
        const bytes = new Uint8Array(range.end - range.begin);
        return (await readPart(url, range.begin, bytes, undefined, ask)) === undefined ? undefined : bytes;
      }
      const found = await findFile(url, ask);
      if (!found) return undefined;
      const { begin, end } = resolveRange(range, found.size, url);
      return read(url, begin, end, found.tag);
    },
    async size(key) {
      return (await findFile(locate(key), ask))?.size;
    },
  };
}

type Asking = HttpOptions & Required<Pick<HttpOptions, 'retries' | 'pause' | 'stall'>>;

/** Size and tag of a file; undefined if there is none. */
function findFile(url: string, ask: Asking): Promise<Found | undefined> {
  return persist(url, ask, async (signal) => {
    const response = await request(url, { method: 'HEAD', signal }, ask);
    if (response === undefined) return undefined;
    const size = Number(response.headers.get('content-length') ?? NaN);
    if (Number.isSafeInteger(size)) return { size, tag: tagOf(response) };
    throw new DataError({
      what: 'content-length',
      value: response.headers.get('content-length'),
      message: `${url} does not say how large it is`,
      expected: 'a server of files',
    });
  });
}

/** Fills `bytes` from a place in a file. What has come stays when the rest has to be asked for again. */
async function readPart(
  url: string,
  begin: number,
  bytes: Uint8Array,
  tag: string | undefined,
  ask: Asking,
): Promise<true | undefined> {
  let done = 0;
  let seen = tag;
  return persist(url, ask, async (signal, alive) => {
    if (done === bytes.length) return true;
    const range = `bytes=${begin + done}-${begin + bytes.length - 1}`;
    const response = await request(url, { headers: { range }, signal }, ask);
    if (response === undefined) return undefined;
    const total = requirePartial(url, response, begin + done, begin + bytes.length);
    const now = tagOf(response);
    if (seen !== undefined && now !== undefined && now !== seen) {
      await response.body?.cancel();
      throw new DataError({
        what: 'file',
        value: url,
        message: `${url} was replaced while it was read`,
        expected: 'a file that stays as it is',
        remedy: 'Open the dataset again.',
      });
    }
    seen = now;
    const reader = response.body!.getReader();
    for (;;) {
      const { done: ended, value } = await reader.read();
      if (ended) break;
      alive();
      if (value.length > bytes.length - done) {
        await reader.cancel();
        throw new DataError({ what: `answer of ${url}`, value: total, expected: `${bytes.length} bytes, not more` });
      }
      bytes.set(value, done);
      done += value.length;
    }
    if (done < bytes.length) throw new Cut(`the connection ended after ${done} of ${bytes.length} bytes`);
    return true;
  });
}

/** Something that may go well another time. */
class Cut extends Error {
  override readonly name = 'Cut';
}

/** Tries until it goes well, fails for good, or has been tried often enough. */
async function persist<R>(
  url: string,
  { retries, pause, stall, signal, onRetry }: Asking,
  attempt: (signal: AbortSignal, alive: () => void) => Promise<R>,
): Promise<R> {
  for (let tried = 0; ; tried++) {
    const controller = new AbortController();
    const stop = () => controller.abort(signal?.reason);
    signal?.throwIfAborted();
    signal?.addEventListener('abort', stop);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(() => controller.abort(new Cut(`nothing came for ${stall / 1000} s`)), stall);
    };
    try {
      alive();
      return await attempt(controller.signal, alive);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof DataError) throw error;
      const reason = reasonOf(error);
      if (tried >= retries) {
        throw new DataError({
          what: 'address',
          value: url,
          message: `cannot read ${url} (${reason}; tried ${tried + 1} times)`,
          expected: 'a server that answers',
          remedy: 'Try again later; nothing that was read is lost.',
          cause: error,
        });
      }
      onRetry?.(`${url}: ${reason}; trying again (${tried + 1} of ${retries})`);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
    }
    await wait(pause * 2 ** Math.min(tried, 5), signal);
  }
}

/** One request. Undefined if there is no such file. */
async function request(url: string, init: RequestInit, { headers, fetch: own }: Asking): Promise<Response | undefined> {
  const response = await (own ?? fetch)(url, {
    ...init,
    headers: { 'accept-encoding': 'identity', ...headers, ...(init.headers as object) },
  });
  if (response.ok) return response;
  await response.body?.cancel();
  const { status } = response;
  if (status === 404 || status === 410) return undefined;
  if (status === 408 || status === 429 || status >= 500) throw new Cut(`the server answered ${status}`);
  throw new DataError({
    what: 'answer',
    value: status,
    message: `${url} was refused (${status} ${response.statusText})`,
    expected: 'a file that may be read, and the range in it',
  });
}

/** Checks that an answer is the range that was asked for; the size of the file. */
function requirePartial(url: string, response: Response, begin: number, end: number): number {
  const [, from, to, size] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '') ?? [];
  // A whole file is as good where the whole file was asked for.
  const whole = response.status === 200 && begin === 0 && Number(response.headers.get('content-length')) === end;
  if (whole || (response.status === 206 && Number(from) === begin && Number(to) === end - 1)) return Number(size);
  void response.body?.cancel();
  if (response.status === 206 && Number(from) === begin) {
    resolveRange({ begin, end }, Number(size), url);
  }
  throw new DataError({
    what: 'answer',
    value: response.status,
    message: `${url} was asked for bytes ${begin} to ${end - 1} and gave others`,
    expected: 'a server that knows range requests',
  });
}

function tagOf({ headers }: Response): string | undefined {
  return headers.get('etag') ?? headers.get('last-modified') ?? undefined;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error ? cause.message : error.message;
}

function wait(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal!.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
