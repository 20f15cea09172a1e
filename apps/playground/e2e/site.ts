// A Chromium that visits the site, and what a person does there again and again.

import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { findChromium, noChromium } from '../../../tools/chromium.mjs';

/** A page, and what went wrong in it. */
export interface Visit {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly faults: string[];
}

export interface VisitOptions extends BrowserContextOptions {
  /** Whether the page has SharedArrayBuffer; it has unless said otherwise. */
  readonly isolated?: boolean;
  /** Where; the site with or without those headers unless said otherwise. */
  readonly url?: string;
  /** What stands behind it, as `?size=tiny`. */
  readonly search?: string;
}

export interface Visitor {
  /** Opens the page in a browser that has not been there yet. It is closed after the test. */
  visit(options?: VisitOptions): Promise<Visit>;
}

const quiet = ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const switches = {
  wasm: ['--no-first-run'],
  webgpu: ['--no-first-run', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'],
};

/** Tests of the page in one Chromium; one that is skipped, and in CI fails, where there is none. */
export function describeSite(name: string, tests: (visitor: Visitor) => void, kind: keyof typeof switches = 'wasm') {
  if (!findChromium()) {
    if (process.env.CI) it(`${name} needs Chromium`, () => expect.fail(noChromium()));
    else it.skip(`${name} needs Chromium (${noChromium()})`);
    return;
  }
  describe(name, () => {
    let browser: Browser;
    const open: BrowserContext[] = [];
    beforeAll(async () => {
      browser = await chromium.launch({ executablePath: findChromium()!, args: [...quiet, ...switches[kind]] });
    });
    afterEach(async () => {
      await Promise.all(open.splice(0).map((context) => context.close()));
    });
    afterAll(() => browser?.close());
    tests({
      async visit({ isolated = true, url, search = '', ...options } = {}) {
        const context = await browser.newContext({ acceptDownloads: true, ...options });
        open.push(context);
        context.setDefaultTimeout(60_000);
        const page = await context.newPage();
        const faults: string[] = [];
        page.on('pageerror', (error) => faults.push(error.message));
        page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
        await page.goto((url ?? addresses()[isolated ? 'isolated' : 'plain']) + search);
        return { page, context, faults };
      },
    });
  });
}

export function addresses() {
  const site = inject('site');
  if (!site) throw new Error('The site was not built.');
  return site;
}

/** Fills in a run that takes a second or two, on WebAssembly. */
export async function tinyRun(page: Page, steps: number, backend = 'wasm'): Promise<void> {
  await page.getByLabel('Computes on').selectOption(backend);
  await page.getByLabel('Size', { exact: true }).selectOption('tiny');
  await page.getByLabel('Context').fill('32');
  await page.getByLabel('Steps').first().fill(String(steps));
}

/** Trains as the form says, to its end. */
export async function trainToTheEnd(page: Page, steps: number, timeout = 140_000): Promise<void> {
  await page.getByRole('button', { name: /^Start/ }).click();
  await page.getByText(`Done after ${steps} steps, kept in this browser.`).waitFor({ timeout });
}

/** The step that is shown. */
export async function stepOf(page: Page): Promise<number> {
  const text = await page.locator('.figures').innerText();
  return Number(/Step\s+([\d,]+) of/.exec(text)?.[1]?.replace(',', '') ?? 0);
}

/** Goes to a screen by its name. */
export const goTo = (page: Page, screen: string) => page.getByRole('link', { name: screen, exact: true }).click();
