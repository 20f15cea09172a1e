// Builds the site once and serves it twice: with the headers that threads need, and without.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { build, preview } from 'vite';
import type { TestProject } from 'vitest/node';
import { findChromium } from '../../../tools/chromium.mjs';

declare module 'vitest' {
  interface ProvidedContext {
    /** Addresses of the site, absent where there is no browser to look at it. */
    site: { readonly isolated: string; readonly plain: string; readonly folder: string } | undefined;
  }
}

const unsafe = { 'Cross-Origin-Opener-Policy': 'unsafe-none', 'Cross-Origin-Embedder-Policy': 'unsafe-none' };
const configFile = fileURLToPath(new URL('../vite.config.ts', import.meta.url));
const logLevel = 'warn';

/** Serves the built site, without the headers for threads if asked for. */
export async function serve(outDir: string, isolated = true) {
  const place = { port: 0, host: '127.0.0.1', ...(isolated ? {} : { headers: unsafe }) };
  const server = await preview({ configFile, logLevel, build: { outDir }, preview: place });
  return { url: server.resolvedUrls!.local[0]!, close: () => server.close() };
}

export default async function setup(project: TestProject) {
  if (!findChromium()) return;
  const folder = mkdtempSync(join(tmpdir(), 'sympow-playground-'));
  // Vitest says `test`, and Vite would build for development.
  const { NODE_ENV } = process.env;
  process.env.NODE_ENV = 'production';
  await build({ configFile, logLevel, build: { outDir: folder } });
  process.env.NODE_ENV = NODE_ENV;
  const [isolated, plain] = [await serve(folder), await serve(folder, false)];
  project.provide('site', { isolated: isolated.url, plain: plain.url, folder });
  return async () => {
    await Promise.all([isolated.close(), plain.close()]);
    rmSync(folder, { recursive: true });
  };
}
