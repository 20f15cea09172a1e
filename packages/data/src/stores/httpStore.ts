// A server that answers requests for parts of files. What came before a connection was cut is kept, and only the rest is asked
// for. A file that becomes another one while it is read is noticed.
import { ConfigError } from '@sympow/embedding';
import { DataError } from '../errors';
import { requireWhole } from '../options';
import type { ByteStore } from './api';
import { Cut, pauseOf, persist, type Attempt, type Patience } from './attempts';
import { KnownFiles, type Marks } from './known';
import { resolveRange } from './range';

/** Any of some settings. */
type Given<Settings> = { -readonly [K in keyof Settings]?: Settings[K] | undefined };

/** How a server is asked. */
export interface HttpOptions extends Given<Patience> {
  /** Headers of every request, such as `authorization`. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** Bytes asked for at once; 4 MiB unless said otherwise. */
  part?: number | undefined;
  /** Used in place of the global `fetch`. */
  fetch?: typeof fetch | undefined;
}

/** Parts of one file that are under way at once. */
const PARALLEL = 4;

/**
 * The files below an address. A query in the address is put behind every file's.
 *
 * @throws ConfigError for an option out of range, or a header that cannot be sent
 * @throws DataError for what is no address
 */
export function httpStore(address: string, options: HttpOptions = {}): ByteStore {
  const { part = 4 * 2 ** 20, headers, signal, onRetry } = options;
  const { retries = 5, pause = 250, longestPause = 60_000, stall = 30_000, pace = 1024 } = options;
  for (const [what, value] of Object.entries({ retries, longestPause, pace })) requireWhole(what, value, 0);
  for (const [what, value] of Object.entries({ pause, stall, part })) requireWhole(what, value, 1);
  requireHeaders(headers);
  const base = parseAddress(address);
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  const locate = (key: string) => {
    const url = new URL(key.split('/').map(encodeURIComponent).join('/'), base);
    url.search = base.search;
    return url.href;
  };
  const ask: Asking = {
    ...{ retries, pause, longestPause, stall, pace, signal, onRetry, headers },
    fetch: options.fetch ?? fetch,
    known: new KnownFiles(),
  };

  async function read(url: string, begin: number, end: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(end - begin);
    const parts = Math.ceil(bytes.length / part);
    // Where one part fails, the others need not go on.
    const rest = new AbortController();
    const asking = { ...ask, signal: signal ? AbortSignal.any([signal, rest.signal]) : rest.signal };
    let next = 0;
    const worker = async () => {
      for (let at = next++; at < parts; at = next++) {
        const from = at * part;
        const to = Math.min(from + part, bytes.length);
        await readPart(url, begin + from, bytes.subarray(from, to), asking);
      }
    };
    try {
      await Promise.all(Array.from({ length: Math.min(PARALLEL, parts) }, worker));
    } catch (error) {
      rest.abort(error);
      throw error;
    }
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
        return (await readPart(url, range.begin, bytes, ask)) === undefined ? undefined : bytes;
      }
      const size = await sizeOf(url, ask);
      if (size === undefined) return undefined;
      const { begin, end } = resolveRange(range, size, url);
      return read(url, begin, end);
    },
    size: (key) => sizeOf(locate(key), ask),
  };
}

/** @throws DataError for what is no address, or has a password in it */
export function parseAddress(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url && url.username === '' && url.password === '') return url;
  throw new DataError({
    what: 'address',
    value: url ? url.host : address,
    message: url ? `the address at ${url.host} has a user in it, which nobody may ask for` : `${address} is no address`,
    expected: 'https://host/path',
    remedy: url && 'Hand them over in a header, as authorization.',
  });
}

function requireHeaders(headers: HttpOptions['headers']): void {
  try {
    new Headers(headers);
  } catch (cause) {
    // The values may be secret.
    throw new ConfigError({ what: 'names of headers', value: Object.keys(headers ?? {}), expected: 'what HTTP can send', cause }); // prettier-ignore
  }
}

type Asking = Patience &
  Required<Pick<HttpOptions, 'fetch'>> &
  Pick<HttpOptions, 'headers'> & { readonly known: KnownFiles };

/** Bytes in a file; undefined if there is none. */
function sizeOf(url: string, ask: Asking): Promise<number | undefined> {
  return persist(url, ask, async (attempt) => {
    const response = await request(url, { method: 'HEAD' }, attempt, ask);
    if (response === undefined) return undefined;
    const length = response.headers.get('content-length');
    const size = /^\d+$/.test(length ?? '') ? Number(length) : NaN;
    if (Number.isSafeInteger(size)) {
      ask.known.found(url, marksOf(response, size));
      return size;
    }
    throw new DataError({
      what: 'content-length',
      value: length,
      message: `${url} does not say how large it is`,
      expected: 'a server of files',
    });
  });
}

/** Fills `bytes` from a place in a file. What has come stays when the rest has to be asked for again. */
async function readPart(url: string, begin: number, bytes: Uint8Array, ask: Asking): Promise<true | undefined> {
  let done = 0;
  return persist(url, ask, async (attempt) => {
    if (done === bytes.length) return true;
    const range = `bytes=${begin + done}-${begin + bytes.length - 1}`;
    const response = await request(url, { headers: { range } }, attempt, ask);
    if (response === undefined) return undefined;
    requirePartial(url, response, begin + done, begin + bytes.length, ask);
    const reader = response.body?.getReader();
    for (let next = await reader?.read(); next && !next.done; next = await reader!.read()) {
      attempt.came(next.value.length);
      if (next.value.length > bytes.length - done) {
        // What it has left over is of no use, whether it can be given up or not.
        reader!.cancel().catch(() => undefined);
        throw new DataError({ what: `answer of ${url}`, value: 'more', expected: `${bytes.length} bytes` });
      }
      bytes.set(next.value, done);
      done += next.value.length;
    }
    if (done < bytes.length) throw new Cut(`the connection ended after ${done} of ${bytes.length} bytes`);
    return true;
  });
}

/** One request. Undefined if there is no such file. */
async function request(
  url: string,
  init: RequestInit,
  { signal, begun }: Attempt,
  { headers, fetch, known }: Asking,
): Promise<Response | undefined> {
  const response = await fetch(url, {
    ...init,
    signal,
    headers: { 'accept-encoding': 'identity', ...headers, ...(init.headers as object) },
  });
  begun();
  const { status } = response;
  // Behind its end, a file says where that is.
  if (response.ok || status === 416) return response;
  drop(response);
  if (status === 404 || status === 410) return known.missing(url);
  const after = pauseOf(response.headers.get('retry-after'));
  if (status === 408 || status === 429 || status >= 500) throw new Cut(`the server answered ${status}`, after);
  throw new DataError({
    what: 'answer',
    value: status,
    message: `${url} was refused (${status} ${response.statusText})`,
    expected: 'a file that may be read, and the range in it',
  });
}

/** Checks that an answer is the range that was asked for, of the file that was asked before. */
function requirePartial(url: string, response: Response, begin: number, end: number, ask: Asking): void {
  try {
    const said = response.headers.get('content-range') ?? '';
    const [, from, to, total] = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/.exec(said) ?? [];
    const length = response.status === 200 ? response.headers.get('content-length') : total;
    const size = /^\d+$/.test(length ?? '') ? Number(length) : undefined;
    ask.known.found(url, marksOf(response, size));
    // A whole file is as good where the whole file was asked for.
    if (response.status === 200 && begin === 0 && size === end) return;
    if (response.status === 206 && Number(from) === begin && Number(to) === end - 1) return;
    if (size !== undefined && response.status !== 200) resolveRange({ begin, end }, size, url);
    throw new DataError({
      what: 'answer',
      value: response.status,
      message: `${url} was asked for bytes ${begin} to ${end - 1} and gave others`,
      expected: 'a server that knows range requests',
    });
  } catch (error) {
    drop(response);
    throw error;
  }
}

/** What tells the file of an answer from another one. */
function marksOf({ headers }: Response, size: number | undefined): Marks {
  return { size, etag: headers.get('etag') ?? undefined, modified: headers.get('last-modified') ?? undefined };
}

/** Gives up what is left of an answer. */
function drop({ body }: Response): void {
  body?.cancel().catch(() => undefined);
}
