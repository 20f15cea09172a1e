// The page itself: what it weighs, where it asks, that it works without a network, that it never stalls, and that all can use it.

import { AxeBuilder } from '@axe-core/playwright';
import { expect, it } from 'vitest';
import { look, screens, sideways, widths } from './screens';
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

  it('has no violations of axe and nothing to scroll sideways, on any screen', { timeout: 400_000 }, async () => {
    const { page } = await visit({ reducedMotion: 'reduce' });
    // Pictures show a model that has learnt something.
    const steps = process.env.SCREENS ? 200 : 20;
    await tinyRun(page, steps);
    await trainToTheEnd(page, steps);
    for (const { name, link, prepare } of screens) {
      await goTo(page, link);
      await prepare?.(page);
      for (const width of widths) {
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.setViewportSize({ width, height: 900 });
          await page.emulateMedia({ colorScheme });
          await look(page, { name, width, colorScheme });
          const where = `${name} at ${width} px, ${colorScheme}`;
          expect.soft(await sideways(page), where).toEqual([]);
          if (width !== widths.at(-1) && colorScheme === 'dark') continue;
          const { violations } = await new AxeBuilder({ page }).analyze();
          expect
            .soft(
              violations.map(({ id, nodes }) => `${id}: ${nodes[0]!.html}`),
              where,
            )
            .toEqual([]);
        }
      }
    }
  });
});
