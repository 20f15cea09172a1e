/** A server of one folder that knows ranges, and cuts connections when told to. */

import { open } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, normalize } from 'node:path';

export interface FileServer {
  readonly address: string;
  /** Cuts every so many answers in their middle; none where it is 0. */
  cutEvery: number;
  /** Answers that were cut. */
  readonly cuts: number;
  close(): Promise<void>;
}

/** Serves a folder to this machine. */
export async function serveFolder(folder: string): Promise<FileServer> {
  let answers = 0;
  let cuts = 0;
  const server = createServer((request, response) => {
    void (async () => {
      const path = normalize(decodeURIComponent(new URL(request.url!, 'http://localhost').pathname));
      const file = await open(join(folder, path)).catch(() => undefined);
      if (!file) return void response.writeHead(404).end();
      try {
        const { size } = await file.stat();
        const [, from = '0', to = String(size - 1)] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
        const [begin, end] = [Number(from), Math.min(Number(to) + 1, size)];
        const ranged = request.headers.range !== undefined;
        response.writeHead(ranged ? 206 : 200, {
          'content-length': end - begin,
          ...(ranged && { 'content-range': `bytes ${begin}-${end - 1}/${size}` }),
        });
        if (request.method === 'HEAD') return void response.end();
        const { buffer } = await file.read(Buffer.allocUnsafe(end - begin), 0, end - begin, begin);
        if (published.cutEvery > 0 && ++answers % published.cutEvery === 0) {
          cuts++;
          response.write(buffer.subarray(0, buffer.length >> 1), () => response.destroy());
        } else response.end(buffer);
      } finally {
        await file.close();
      }
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const published: FileServer = {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cutEvery: 0,
    get cuts() {
      return cuts;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return published;
}
