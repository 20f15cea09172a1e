// The examples that are pages, built against the sources, in Chromium: what a person would see and do there.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright';
import { build, preview, type PreviewServer } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findChromium, noChromium } from '../chromium.mjs';
import { root, workspaces } from '../workspace.mjs';
import { isPage } from './examples.mjs';

const soon = { timeout: 20_000 };

/** What is done in each; a page that is not here fails. */
const visits: Record<string, (page: Page) => Promise<void>> = {
  'examples/09-checkpoint-in-a-worker': async (page) => {
    const status = page.getByRole('status');
    const write = async () => {
      await page.getByRole('button', { name: 'Write' }).click();
      await expect.poll(() => status.innerText(), soon).toBe('Written.');
      return page.locator('pre').innerText();
    };
    await expect.poll(() => status.innerText(), soon).toBe('Loaded over http, computes with wasm.');
    const text = await write();
    expect(text).toMatch(/^Up above the world so high,\nLike a diamond/);
    // Nothing is asked of the server the second time.
    await page.route('**/checkpoint/**', (route) => route.abort());
    await page.reload();
    await expect.poll(() => status.innerText(), soon).toBe('Loaded from this browser, computes with wasm.');
    expect(await write()).toBe(text);
  },
  'examples/12-live-chart': async (page) => {
    const points = async () => (await page.locator('polyline').getAttribute('points'))?.split(' ').length ?? 0;
    await expect.poll(points, soon).toBeGreaterThan(2);
    expect(await page.getByRole('status').innerText()).toMatch(/^Step \d+ of 120: \d\.\d\d nats, \d+ tokens\/s$/);
    await page.getByRole('button', { name: 'Stop' }).click();
    await expect.poll(() => page.getByRole('button').isDisabled(), soon).toBe(true);
    expect(await points()).toBeLessThan(120);
    await page.reload();
    await expect.poll(() => page.getByRole('button').isDisabled(), { timeout: 100_000 }).toBe(true);
    expect(await page.locator('pre').innerText()).toMatch(/^ was warm, the sea was/);
    expect(await points()).toBe(120);
  },
};

/** What docs/browsers.md says a page needs, and no more. */
const policy = {
  'Content-Security-Policy':
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data:",
};
const alone = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };
const shared = { 'Cross-Origin-Opener-Policy': 'unsafe-none', 'Cross-Origin-Embedder-Policy': 'unsafe-none' };

const examples = workspaces(['examples'])
  .map(({ directory }) => directory)
  .filter(isPage);
it('knows every page', () => expect(Object.keys(visits)).toEqual(examples));

const there = findChromium() !== undefined;
if (!there && process.env.CI) it(`needs Chromium (${noChromium()})`, () => expect.fail(noChromium()));
else if (!there) it.skip(`needs Chromium (${noChromium()})`);

describe.runIf(there)('the page of', { timeout: 150_000 }, () => {
  let browser: Browser;
  const folder = mkdtempSync(join(tmpdir(), 'sympow-pages-'));
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: findChromium()!, args: ['--no-sandbox', '--no-first-run'] });
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true });
  });

  /** Built against the sources, and served. */
  async function serve(directory: string, headers: Record<string, string>): Promise<PreviewServer> {
    const settings = {
      root: join(root, directory),
      logLevel: 'error' as const,
      resolve: { alias: [{ find: /^@sympow\/([^/]+)$/, replacement: join(root, 'packages/$1/src/index.ts') }] },
      build: { outDir: join(folder, directory), emptyOutDir: true },
    };
    await build(settings);
    return preview({ ...settings, preview: { port: 0, host: '127.0.0.1', headers } });
  }

  const cases = Object.entries(visits).flatMap(([directory, visit]) =>
    [true, false].map((isolated) => ({ directory, visit, isolated, threads: isolated ? 'threads' : 'one thread' })),
  );
  it.each(cases)('$directory, $threads, under a strict policy', async ({ directory, visit, isolated }) => {
    const server = await serve(directory, { ...policy, ...(isolated ? alone : shared) });
    try {
      const page = await browser.newPage();
      const faults: string[] = [];
      page.on('pageerror', (error) => faults.push(error.message));
      page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
      await page.goto(server.resolvedUrls!.local[0]!);
      expect(await page.evaluate('crossOriginIsolated')).toBe(isolated);
      await visit(page);
      await page.close();
      expect(faults).toEqual([]);
    } finally {
      await server.close();
    }
  });
});
