// A server of files, as somebody has one: with the header that lets other pages read them, or without.

import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** @param open - whether pages of other origins may read */
export async function serveFolder(folder: string, open = true) {
  const server = createServer((request, response) => {
    const headers = open ? { 'access-control-allow-origin': '*' } : {};
    const { pathname } = new URL(request.url!, 'http://localhost');
    readFile(join(folder, pathname)).then(
      (bytes) => {
        response.writeHead(200, { ...headers, 'content-length': bytes.length });
        response.end(request.method === 'HEAD' ? undefined : bytes);
      },
      () => response.writeHead(404, headers).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => new Promise<void>((resolve) => server.close(() => resolve()).closeAllConnections()),
  };
}
