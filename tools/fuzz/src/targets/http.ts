// Answers of a server to whoever reads a file.
import { binFile, byteTokenizer } from '@sympow/data';
import fc from 'fast-check';
import { readSome } from '../served';
import { target } from '../target';

const number = fc.oneof(
  fc.integer({ min: 0, max: 200 }).map(String),
  fc.constantFrom('', '-1', '1e3', '0x10', '99999999999999999999', '9007199254740993', ' 7', 'x'),
);
const header = fc.oneof(
  fc.record({ name: fc.constant('content-length'), value: number }),
  fc.record({
    name: fc.constant('content-range'),
    value: fc.tuple(number, number, fc.oneof(number, fc.constant('*'))).map(([a, b, c]) => `bytes ${a}-${b}/${c}`),
  }),
  fc.record({ name: fc.constantFrom('etag', 'last-modified'), value: fc.constantFrom('"1"', '"2"', 'W/"1"', '') }),
  fc.record({ name: fc.constant('retry-after'), value: fc.constantFrom('0', '1', '99999', 'soon', '-5') }),
  fc.record({ name: fc.constant('content-encoding'), value: fc.constantFrom('gzip', 'zstd', 'identity') }),
);
const answer = fc.oneof(
  { weight: 12, arbitrary: fc.constant('right' as const) },
  {
    weight: 6,
    arbitrary: fc.record({
      status: fc.constantFrom(200, 201, 204, 206, 206, 206, 301, 304, 400, 403, 404, 408, 410, 416, 429, 500, 503),
      headers: fc.array(header, { maxLength: 4 }),
      body: fc.option(fc.uint8Array({ maxLength: 200 })),
      broken: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.constantFrom('throws', 'rejects', 'nothing', 'string') },
);

const size = 120;
const right = (range: string | null): Response => {
  if (range === null) return new Response(null, { headers: { 'content-length': String(size), etag: '"1"' } });
  const [, from = 0, to = 0] = (/^bytes=(\d+)-(\d+)$/.exec(range) ?? []).map(Number);
  const headers = { 'content-range': `bytes ${from}-${to}/${size}`, etag: '"1"' };
  return new Response(new Uint8Array(to - from + 1), { status: 206, headers });
};

function body(bytes: Uint8Array<ArrayBuffer> | null, broken: boolean): BodyInit | null {
  if (!broken) return bytes;
  return new ReadableStream({
    pull(controller) {
      if (bytes) controller.enqueue(bytes);
      controller.error(new Error('cut'));
    },
  });
}

export const http = target({
  name: 'http',
  share: 0.5,
  inputs: fc.array(answer, { minLength: 1, maxLength: 12 }),
  async run(answers) {
    let asked = 0;
    const fetch = ((address: string, init?: RequestInit) => {
      // Nothing stands beside the file.
      if (!address.endsWith('.bin')) return Promise.resolve(new Response(null, { status: 404 }));
      const now = answers[asked++ % answers.length]!;
      if (now === 'right') return Promise.resolve(right(new Headers(init?.headers).get('range')));
      if (now === 'throws') throw new Error('at once');
      if (now === 'rejects') return Promise.reject(new TypeError('fetch failed', { cause: 'nobody knows' }));
      if (typeof now === 'string') return Promise.resolve(now === 'nothing' ? undefined : now);
      const { status, headers, body: bytes, broken } = now;
      const empty = [204, 304].includes(status) || init?.method === 'HEAD';
      const content = empty ? null : body(bytes?.slice() ?? null, broken);
      return Promise.resolve(
        new Response(content, { status, headers: headers.map(({ name, value }): [string, string] => [name, value]) }),
      );
    }) as typeof globalThis.fetch;
    const http = { fetch, retries: 2, pause: 1, longestPause: 2, part: 50 };
    await readSome(await binFile('http://fuzz/x.bin', { tokenizer: byteTokenizer(), http }));
  },
});
