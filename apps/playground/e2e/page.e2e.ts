// The page itself: what it weighs, where it asks, that it works without a network, that it never stalls, and that all can use it.

import { AxeBuilder } from '@axe-core/playwright';
import { expect, it } from 'vitest';
import { look, pictures, screens, sideways, widths } from './screens';
import { serve } from './setup';
import { addresses, describeSite, goTo, tinyRun, trainToTheEnd } from './site';

/** Seconds from the request to a page that can be used. */
const mostSeconds = 2;
const mostBytes = 400_000;
/** Milliseconds that a page may be held up; longer ones are what browsers call long tasks. */
const longTask = 50;

/** What Chromium writes down of a task; `tdur` is CPU time in microseconds. */
interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

/** What Measure gives. */
interface Report {
  readonly device: { readonly isolated: boolean };
  readonly backends: readonly {
    readonly backend: string;
    readonly cases: number;
    readonly passed: number;
    readonly agreement: number;
    readonly missing?: string;
  }[];
}

/** A file as servers send it. */
async function compressed(url: string): Promise<number> {
  const stream = (await fetch(url)).body!.pipeThrough(new CompressionStream('gzip'));
  return (await new Response(stream).arrayBuffer()).byteLength;
}

describeSite('The page', ({ visit }) => {
  it('loads in less than 400 KB, asks nobody else, and works without a network afterwards', async () => {
    const { page, context, faults } = await visit();
    const start = page.getByRole('button', { name: 'Start' }).and(page.locator(':enabled'));
    await start.waitFor();
    const asked: string[] = [];
    context.on('request', (request) => asked.push(request.url()));
    await page.reload();
    const begun = performance.now();
    await start.waitFor();
    expect((performance.now() - begun) / 1000).toBeLessThan(mostSeconds);
    const origin = new URL(page.url()).origin;
    const elsewhere = asked.filter((url) => !url.startsWith(origin) && !/^(blob|data):/.test(url));
    expect(elsewhere).toEqual([]);
    const paths = [...new Set(asked.filter((url) => url.startsWith(origin)))];
    const sizes = await Promise.all(paths.map(compressed));
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    console.log(`first load: ${paths.length} files, ${(bytes / 1000).toFixed(0)} KB compressed`);
    expect(bytes).toBeLessThan(mostBytes);

    expect(faults).toEqual([]);
  });

  it('works without a network once it was loaded', async () => {
    const server = await serve(addresses().folder);
    const { page } = await visit({ url: server.url });
    await page.evaluate(() => navigator.serviceWorker.ready);
    await server.close();
    await page.reload();
    await tinyRun(page, 20);
    await trainToTheEnd(page, 20);
  });

  it('has threads on a server that sends no headers, through its service worker', async () => {
    const { page } = await visit({ isolated: false });
    await expect.poll(() => page.evaluate(() => crossOriginIsolated), { timeout: 10_000 }).toBe(true);
    await tinyRun(page, 20);
    await trainToTheEnd(page, 20);
  });

  it('is never held up while 200 steps train', async () => {
    const { page, context } = await visit();
    await tinyRun(page, 200);
    const browser = context.browser()!;
    await browser.startTracing(page, { categories: ['toplevel', '__metadata'] });
    await trainToTheEnd(page, 200);
    const { traceEvents } = JSON.parse((await browser.stopTracing()).toString('utf8')) as { traceEvents: TraceEvent[] };
    const main = traceEvents.filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain');
    const tasks = traceEvents.filter(
      ({ pid, tid, tdur }) => tdur !== undefined && main.some((each) => each.pid === pid && each.tid === tid),
    );
    // In CPU time, as what else the machine does is not the page's.
    const milliseconds = tasks.map(({ tdur }) => tdur! / 1000);
    expect(tasks.length).toBeGreaterThan(100);
    console.log(`longest task of ${tasks.length}: ${Math.max(...milliseconds).toFixed(1)} ms`);
    expect(Math.max(...milliseconds)).toBeLessThan(longTask);
  });

  it('has no violations of axe and nothing to scroll sideways, on any screen', { timeout: 600_000 }, async () => {
    const { page } = await visit({ reducedMotion: 'reduce' });
    if (pictures) await page.getByLabel('Steps').first().fill('200');
    else await tinyRun(page, 20);
    await trainToTheEnd(page, pictures ? 200 : 20, 400_000);
    if (!pictures) {
      // A run that others can be laid over.
      await page.getByRole('button', { name: /^Start/ }).click();
      await page.getByText('Compare with another run').click();
      await page.getByText('Done after 20 steps, kept in this browser.').waitFor();
    }
    for (const { name, link, prepare } of screens) {
      await goTo(page, link);
      await prepare?.(page);
      for (const width of widths) {
        await page.setViewportSize({ width, height: 900 });
        for (const colorScheme of ['light', 'dark'] as const) {
          const where = `${name} at ${width} px, ${colorScheme}`;
          await page.emulateMedia({ colorScheme });
          await look(page, { name, width, colorScheme });
          expect.soft(await sideways(page), where).toEqual([]);
          // What differs by width stands on a phone and on a desk; colours differ by scheme.
          if (width === 820 || (width === 390 && colorScheme === 'dark')) continue;
          const { violations } = await new AxeBuilder({ page }).analyze();
          const found = violations.map(({ id, nodes }) => `${id}: ${nodes[0]!.html}`);
          expect.soft(found, where).toEqual([]);
        }
      }
    }
    // The walk has measured this device.
    await goTo(page, 'Measure');
    const report = await page.getByLabel('Report, to paste into an issue').inputValue();
    const { device, backends } = JSON.parse(report) as Report;
    expect(device.isolated).toBe(true);
    const found = new Map(backends.map((each) => [each.backend, each]));
    for (const backend of ['wasm', 'js']) {
      const { cases, passed, agreement } = found.get(backend)!;
      expect(passed).toBe(cases);
      expect(agreement).toBeGreaterThan(0.97);
    }
    expect(found.get('webgpu')!.missing).toMatch(/GPU/);
  });
});
