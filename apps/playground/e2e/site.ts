// The built site and a Chromium for its tests.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright';
import { build, preview } from 'vite';
import { findChromium } from '../../../tools/chromium.mjs';

/** A site that is served, and pages of it. */
export interface Site {
  readonly url: string;
  /** A page in a browser that has not been there yet. What goes wrong in it is in `faults`. */
  visit(options?: BrowserContextOptions): Promise<{ readonly page: Page; readonly faults: string[] }>;
  close(): Promise<void>;
}

/** @param isolated - whether it is served with the headers that threads need */
export async function openSite(isolated = true): Promise<Site> {
  const outDir = mkdtempSync(join(tmpdir(), 'sympow-playground-'));
  const configFile = fileURLToPath(new URL('../vite.config.ts', import.meta.url));
  const settings = { configFile, logLevel: 'warn' as const, build: { outDir } };
  await build(settings);
  const headers = isolated
    ? undefined
    : { 'Cross-Origin-Opener-Policy': 'unsafe-none', 'Cross-Origin-Embedder-Policy': 'unsafe-none' };
  const server = await preview({ ...settings, preview: { port: 0, host: '127.0.0.1', ...(headers && { headers }) } });
  const url = server.resolvedUrls!.local[0]!;
  const args = [
    '--no-sandbox',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--no-first-run',
  ];
  const browser: Browser = await chromium.launch({ executablePath: findChromium()!, args });
  return {
    url,
    async visit(options) {
      const context = await browser.newContext({ acceptDownloads: true, ...options });
      const page = await context.newPage();
      const faults: string[] = [];
      page.on('pageerror', (error) => faults.push(error.message));
      page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
      await page.goto(url);
      return { page, faults };
    },
    async close() {
      await browser.close();
      await server.close();
      rmSync(outDir, { recursive: true });
    },
  };
}

/** Fills in a run that takes a second or two, on WebAssembly. */
export async function tinyRun(page: Page, steps: number): Promise<void> {
  await page.getByLabel('Computes on').selectOption('wasm');
  await page.getByLabel('Size', { exact: true }).selectOption('tiny');
  await page.getByLabel('Context').fill('32');
  await page.getByLabel('Steps').first().fill(String(steps));
}
