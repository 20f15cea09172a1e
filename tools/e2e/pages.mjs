// Built pages, shown to Chromium: with and without cross-origin isolation, under a content security policy and without one.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { chromium } from 'playwright';
import { findChromium, noChromium } from '../chromium.mjs';

const isolation = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };
const policy = "script-src 'self' 'wasm-unsafe-eval'";
/** @type {{ name: string, headers: Record<string, string>, policy?: string, fast?: boolean }[]} */
const kinds = [
  { name: 'isolated, with a policy', headers: isolation, policy, fast: true },
  { name: 'isolated', headers: isolation },
  { name: 'with a policy', headers: {}, policy },
  { name: 'plain', headers: {} },
];
/** @type {Record<string, string>} */
const types = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.css': 'text/css' };

export const html = '<!doctype html><title>…</title><script type="module" src="./page.js"></script>';

/**
 * What is tried with a bundler: its page is built once, and shown under all kinds of headers.
 *
 * @param {string} bundler
 * @param {boolean} fast
 * @param {() => Promise<string>} build gives the folder of the page, which has an index.html
 * @returns {import('./project.mjs').Try[]}
 */
export function pagesOf(bundler, fast, build) {
  /** @type {Promise<string> | undefined} */
  let built;
  return kinds.map((kind) => ({
    name: `${bundler}, ${kind.name}`,
    fast: fast && kind.fast === true,
    inPage: true,
    run: async () => {
      const folder = await (built ??= build());
      return show(folder, { ...kind.headers, ...(kind.policy && (await policyOf(folder, kind.policy))) });
    },
  }));
}

/** A policy that names the scripts that a page has inside, as whoever serves it has to. @param {string} folder @param {string} scripts */
async function policyOf(folder, scripts) {
  const text = await readFile(join(folder, 'index.html'), 'utf8');
  const inside = [...text.matchAll(/<script>(.*?)<\/script>/gs)].map(([, script = '']) => script);
  const hashes = inside.map((script) => ` 'sha256-${createHash('sha256').update(script).digest('base64')}'`);
  return { 'Content-Security-Policy': scripts + hashes.join('') };
}

/**
 * Shows a page until it says how it went.
 *
 * @param {string} folder
 * @param {Record<string, string>} headers
 * @param {string} telling an expression that is `passed: …` or `failed: …` in the end
 * @returns {Promise<string>} what follows `passed: `
 */
export async function show(folder, headers, telling = 'document.title') {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error(noChromium());
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const file = join(folder, pathname.endsWith('/') ? `${pathname}index.html` : pathname);
    readFile(file).then(
      (bytes) =>
        response.writeHead(200, { ...headers, 'Content-Type': types[extname(file)] ?? 'text/plain' }).end(bytes),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage();
    /** @type {string[]} */
    const complaints = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      // Chromium asks for an icon by itself.
      const { url } = message.location();
      if (message.type() === 'error' && !url.endsWith('/favicon.ico')) complaints.push(`${message.text()} ${url}`);
    });
    await page.goto(`http://127.0.0.1:${port}/`);
    // Asked again and again: what waits inside of the page is a script that the policy forbids.
    let told = '';
    for (const end = Date.now() + 240_000; Date.now() < end && !/^(passed|failed): /.test(told);) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      told = String(await page.evaluate(telling));
    }
    if (!told.startsWith('passed: ') || complaints.length > 0) throw new Error([told, ...complaints].join('\n'));
    return told.slice('passed: '.length);
  } finally {
    await browser.close();
    server.close();
  }
}
