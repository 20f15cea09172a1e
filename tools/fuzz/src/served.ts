// Files as a server gives them, without a server.

/**
 * Answers requests for the files below `http://fuzz/`, in ranges too.
 *
 * @param chunk - stands for all others whose name ends in a digit
 */
export function served(files: Readonly<Record<string, Uint8Array>>, chunk?: Uint8Array): typeof fetch {
  return (input, init) => {
    const name = decodeURIComponent(new URL(input as string).pathname.slice(1));
    const file = Object.hasOwn(files, name) ? files[name]! : /\d$/.test(name) ? chunk : undefined;
    if (!file) return Promise.resolve(new Response(null, { status: 404 }));
    const size = String(file.length);
    if (init?.method === 'HEAD') return Promise.resolve(new Response(null, { headers: { 'content-length': size } }));
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(new Headers(init?.headers).get('range') ?? '') ?? [];
    if (from === undefined) return Promise.resolve(new Response(file.slice(), { headers: { 'content-length': size } }));
    const part = file.slice(Number(from), Number(to) + 1);
    if (part.length === 0) {
      return Promise.resolve(new Response(null, { status: 416, headers: { 'content-range': `bytes */${size}` } }));
    }
    const range = `bytes ${from}-${Number(from) + part.length - 1}/${size}`;
    return Promise.resolve(new Response(part, { status: 206, headers: { 'content-range': range } }));
  };
}

/** Reads the ends and the middle of all documents, or of the first of very many. */
export async function readSome(source: {
  readonly documentCount: number;
  documentLength(document: number): number;
  read(document: number, from: number, to: number): Int32Array | Promise<Int32Array>;
}): Promise<void> {
  for (const document of new Set([0, 1, source.documentCount >> 1, source.documentCount - 1])) {
    if (document < 0 || document >= source.documentCount) continue;
    const length = source.documentLength(document);
    for (const from of [0, Math.floor(length / 2), Math.max(0, length - 40)]) {
      await source.read(document, from, Math.min(length, from + 40));
    }
  }
}
