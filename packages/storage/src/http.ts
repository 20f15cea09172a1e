/**
 * A folder behind an address, read in parts. What came before a connection was cut is kept, and only the rest is asked for. A
 * file that becomes another one while it is read is refused. Where a server knows no ranges, a file is fetched once, whole.
 */
import { ConfigError, requireWhole } from '@sympow/core';
import type { Storage } from './api';
import { parseAddress } from './address';
import { Cut, pauseOf, persist, type Attempt, type Patience } from './attempts';
import { ByteCache } from './byteCache';
import { cachedStorage } from './cachedStorage';
import { fileTooShort, missingFile, StorageError } from './errors';
import { requireName, requireRange } from './files';
import { KnownFiles, type Marks } from './known';

/** Any of some settings. */
type Given<Settings> = { -readonly [K in keyof Settings]?: Settings[K] | undefined };

/** How a server is asked. */
export interface HttpOptions extends Given<Patience> {
  /** Headers of every request, such as `authorization`. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** Bytes asked for at once; 4 MiB unless said otherwise. */
  part?: number | undefined;
  /** Most bytes that are kept of small reads, which are rounded to 256 KiB; 16 MiB unless said otherwise. 0 keeps nothing. */
  cacheBytes?: number | undefined;
  /** Most bytes of files that are held whole where a server knows no ranges; 1 GiB unless said otherwise. 0 refuses such a server. */
  wholeBytes?: number | undefined;
  /** Used in place of the global `fetch`. */
  fetch?: typeof fetch | undefined;
}

/** Parts of one file that are under way at once. */
const PARALLEL = 4;

/**
 * The files below an address. They can be read, and neither listed nor written. A query in the address is put behind every
 * file's. In a browser, a server of another origin has to allow it (CORS), with the header `range`.
 *
 * @throws ConfigError for an option out of range, or a header that cannot be sent
 * @throws StorageError for what is no address
 * @example
 * ```ts
 * import { httpStorage } from '@sympow/storage';
 * const storage = httpStorage('https://example.org/models/first', { signal: AbortSignal.timeout(60_000) });
 * console.log(storage.path); // https://example.org/models/first
 * // await storage.read('model.safetensors', 0, 8);
 * ```
 */
export function httpStorage(address: string, options: HttpOptions = {}): Storage {
  const { part = 4 * 2 ** 20, cacheBytes = 2 ** 24, wholeBytes = 2 ** 30, headers, signal, onRetry } = options;
  const { retries = 5, pause = 250, longestPause = 60_000, stall = 30_000, pace = 1024 } = options;
  const least = { retries: 0, longestPause: 0, pace: 0, cacheBytes: 0, wholeBytes: 0, pause: 1, stall: 1, part: 1 };
  const given = { retries, longestPause, pace, cacheBytes, wholeBytes, pause, stall, part };
  for (const [what, value] of Object.entries(given)) requireWhole(what, value, least[what as keyof typeof least]);
  requireHeaders(headers);
  const base = parseAddress(address);
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  const ask: Asking = {
    ...{ retries, pause, longestPause, stall, pace, signal, onRetry, headers, part },
    fetch: options.fetch ?? fetch,
    known: new KnownFiles(),
    wholes: new ByteCache(wholeBytes),
  };
  const storage = folderAt(base, ask);
  return cacheBytes === 0 ? storage : cachedStorage(storage, { cacheBytes });
}

function folderAt(base: URL, ask: Asking): Storage {
  const path = `${base.origin}${base.pathname.replace(/\/$/, '')}`;
  const locate = (name: string, end = '') => {
    const url = new URL(encodeURIComponent(requireName(name)) + end, base);
    url.search = base.search;
    return url;
  };
  const refuse = async (action: string, name: string): Promise<never> => {
    throw new StorageError('refused', {
      what: path,
      value: name,
      message: `cannot ${action} ${path}/${name}: what is behind an address can be read alone`,
      expected: 'a folder on this machine',
      remedy: 'Choose another path.',
    });
  };
  return {
    path,
    async list() {
      throw new StorageError('unlisted', {
        what: path,
        value: undefined,
        message: `${path} cannot be listed: a server does not say which files it has`,
        expected: 'the address of what is meant itself',
      });
    },
    size: async (name) => sizeOf(locate(name).href, ask),
    async read(name, begin = 0, end) {
      const url = locate(name).href;
      if (end !== undefined && end > begin && end - begin <= ask.part) {
        // One request, without asking for the size before.
        const bytes = new Uint8Array(end - begin);
        return readPart(url, begin, bytes, ask);
      }
      const size = await sizeOf(url, ask);
      if (size === undefined) throw missingFile(url);
      requireRange(url, begin, end ?? size, size);
      return readParts(url, begin, end ?? size, ask);
    },
    write: (name) => refuse('write', name),
    rename: (name) => refuse('rename', name),
    remove: (name) => refuse('remove', name),
    folder: (name) => folderAt(locate(name, '/'), ask),
  };
}

function requireHeaders(headers: HttpOptions['headers']): void {
  try {
    new Headers(headers);
  } catch (cause) {
    // The values may be secret.
    throw new ConfigError({ what: 'names of headers', value: Object.keys(headers ?? {}), expected: 'what HTTP can send', cause }); // prettier-ignore
  }
}

interface Asking extends Patience {
  readonly fetch: typeof fetch;
  readonly headers: HttpOptions['headers'];
  readonly part: number;
  readonly known: KnownFiles;
  /** Files of servers that know no ranges. */
  readonly wholes: ByteCache<Uint8Array>;
}

/** Bytes in a file; undefined if there is none. A file that was read before is the same, or reading it will say so. */
async function sizeOf(url: string, ask: Asking): Promise<number | undefined> {
  const before = ask.known.of(url)?.['size'];
  if (typeof before === 'number') return before;
  return persist(url, ask, async (attempt) => {
    const response = await request(url, { method: 'HEAD' }, attempt, ask);
    if (response === undefined) return undefined;
    const size = lengthOf(response);
    if (size !== undefined) {
      ask.known.found(url, marksOf(response, size));
      return size;
    }
    throw new StorageError('unreachable', {
      what: 'content-length',
      value: response.headers.get('content-length'),
      message: `${url} does not say how large it is`,
      expected: 'a server of files',
    });
  });
}

/** Bytes of a file, several parts at once. */
async function readParts(url: string, begin: number, end: number, ask: Asking): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - begin);
  const { part, signal } = ask;
  const parts = Math.ceil(bytes.length / part);
  // Where one part fails, the others need not go on.
  const rest = new AbortController();
  const asking = { ...ask, signal: signal ? AbortSignal.any([signal, rest.signal]) : rest.signal };
  let next = 0;
  const worker = async () => {
    for (let at = next++; at < parts; at = next++) {
      const from = at * part;
      await readPart(url, begin + from, bytes.subarray(from, Math.min(from + part, bytes.length)), asking);
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

/** Fills `bytes` from a place in a file. What has come stays when the rest has to be asked for again. */
async function readPart(url: string, begin: number, bytes: Uint8Array, ask: Asking): Promise<Uint8Array> {
  let done = 0;
  const ranged = async (attempt: Attempt) => {
    if (done === bytes.length || ask.wholes.peek(url)) return;
    const range = `bytes=${begin + done}-${begin + bytes.length - 1}`;
    const response = await request(url, { headers: { range } }, attempt, ask);
    if (response === undefined) throw missingFile(url);
    if (!isPart(url, response, begin + done, begin + bytes.length, ask)) return;
    await take(url, response, bytes.subarray(done), attempt, (came) => void (done += came));
    if (done < bytes.length) throw new Cut(`the connection ended after ${done} of ${bytes.length} bytes`);
  };
  await persist(url, ask, ranged);
  if (done === bytes.length) return bytes;
  const whole = await ask.wholes.get(url, () => readWhole(url, ask));
  if (begin + bytes.length > whole.length) throw fileTooShort(url, whole.length, begin + bytes.length);
  bytes.set(whole.subarray(begin, begin + bytes.length));
  return bytes;
}

/** All of a file of a server that knows no ranges. What is cut off has to come again from its beginning. */
function readWhole(url: string, ask: Asking): Promise<Uint8Array> {
  return persist(url, ask, async (attempt) => {
    const response = await request(url, {}, attempt, ask);
    if (response === undefined) throw missingFile(url);
    const size = lengthOf(response);
    if (size === undefined || size > ask.wholes.limit) {
      drop(response);
      throw new StorageError('unreachable', {
        what: 'answer',
        value: response.status,
        message: `${url} can only be fetched whole, and ${size === undefined ? 'does not say how large it is' : `has ${size} bytes`}`,
        expected: `a server that knows range requests, or at most ${ask.wholes.limit} bytes`,
        remedy: 'Use another server, or a larger wholeBytes.',
      });
    }
    ask.known.found(url, marksOf(response, size));
    const bytes = new Uint8Array(size);
    let done = 0;
    await take(url, response, bytes, attempt, (came) => void (done += came));
    if (done < size) throw new Cut(`the connection ended after ${done} of ${size} bytes`);
    return bytes;
  });
}

/** Takes the bytes of an answer as they come, and tells how many came. */
async function take(
  url: string,
  response: Response,
  bytes: Uint8Array,
  attempt: Attempt,
  came: (count: number) => void,
): Promise<void> {
  let done = 0;
  const reader = response.body?.getReader();
  for (let next = await reader?.read(); next && !next.done; next = await reader!.read()) {
    const { length } = next.value;
    attempt.came(length);
    if (length > bytes.length - done) {
      // What it has left over is of no use, whether it can be given up or not.
      reader!.cancel().catch(() => undefined);
      throw new StorageError('unreachable', { what: `answer of ${url}`, value: 'more', expected: `${bytes.length} bytes` }); // prettier-ignore
    }
    bytes.set(next.value, done);
    done += length;
    came(length);
  }
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
  throw new StorageError('refused', {
    what: 'answer',
    value: status,
    message: `${url} was refused (${status} ${response.statusText})`,
    expected: 'a file that may be read, and the range in it',
  });
}

/** Whether an answer is the range that was asked for, of the file that was asked before. Not, where a server knows no ranges. */
function isPart(url: string, response: Response, begin: number, end: number, ask: Asking): boolean {
  try {
    const { status } = response;
    const said = response.headers.get('content-range');
    const [, from, to, total] = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/.exec(said ?? '') ?? [];
    const size = status === 200 ? lengthOf(response) : countOf(total);
    ask.known.found(url, marksOf(response, size));
    // A whole file is as good where the whole file was asked for.
    if (status === 200 && begin === 0 && size === end) return true;
    if (status === 206 && Number(from) === begin && Number(to) === end - 1) return true;
    // A server of another origin need not show a page which range it gives.
    if (status === 206 && said === null && response.type === 'cors' && lengthOf(response) === end - begin) return true;
    if (status === 200 && ask.wholes.limit > 0) {
      drop(response);
      return false;
    }
    if (size !== undefined && status !== 200) requireRange(url, begin, end, size);
    throw new StorageError('unreachable', {
      what: 'answer',
      value: status,
      message: `${url} was asked for bytes ${begin} to ${end - 1} and gave others`,
      expected: 'a server that knows range requests',
    });
  } catch (error) {
    drop(response);
    throw error;
  }
}

/** Bytes that an answer says that it has. */
function lengthOf({ headers }: Response): number | undefined {
  // A browser decodes what was compressed, and the length is that of before.
  const encoding = headers.get('content-encoding') ?? 'identity';
  return encoding === 'identity' ? countOf(headers.get('content-length')) : undefined;
}

function countOf(text: string | null | undefined): number | undefined {
  const count = /^\d+$/.test(text ?? '') ? Number(text) : NaN;
  return Number.isSafeInteger(count) ? count : undefined;
}

/** What tells the file of an answer from another one. */
function marksOf({ headers }: Response, size: number | undefined): Marks {
  return { size, etag: headers.get('etag') ?? undefined, modified: headers.get('last-modified') ?? undefined };
}

/** Gives up what is left of an answer. */
function drop({ body }: Response): void {
  body?.cancel().catch(() => undefined);
}
