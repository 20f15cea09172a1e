// What takes minutes, and a machine that does nothing else: `NIGHTLY=1 pnpm playground:test`. Each figure is printed with the load of the
// machine; MINUTES says how long memory is watched, 10 unless said otherwise.

import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Page } from 'playwright';
import { expect, it } from 'vitest';
import { root } from '../../../tools/workspace.mjs';
import { sampleText } from '../src/sample';
import { describeSite, goTo, stepOf, tinyRun, trainToTheEnd } from './site';

const minutes = Number(process.env.MINUTES ?? 10);
const say = (what: string) => console.log(`${what} (load ${loadavg()[0]!.toFixed(1)})`);
const start = (page: Page) =>
  page
    .getByRole('button', { name: /^Start/ })
    .and(page.locator(':enabled'))
    .click();
/** Tokens per second, as a screen shows them. */
async function speedOf(page: Page): Promise<number> {
  const figures = await page.locator('.figures').innerText();
  return Number(/Speed\s+([\d,]+)/.exec(figures)![1]!.replaceAll(',', ''));
}

describeSite('Figures', ({ visit }) => {
  it(
    'the run that the form begins with comes below 2 nats a character within three minutes',
    { timeout: 400_000 },
    async () => {
      const { page } = await visit();
      await page.getByLabel('Computes on').selectOption('wasm');
      await start(page);
      const begun = performance.now();
      const chart = page.getByRole('img', { name: /^Loss by step/ });
      const held = async () =>
        Number(/([\d.]+) on held-out/.exec((await chart.getAttribute('aria-label')) ?? '')?.[1] ?? Infinity);
      await expect.poll(held, { timeout: 390_000, interval: 500 }).toBeLessThan(2);
      const seconds = (performance.now() - begun) / 1000;
      say(`below 2 nats on held-out text after ${seconds.toFixed(0)} s and ${await stepOf(page)} steps`);
      await page.getByText(/^Done after/).waitFor({ timeout: 300_000 });
      say(`${await held()} nats after ${((performance.now() - begun) / 1000).toFixed(0)} s, at the end`);
      expect(seconds).toBeLessThan(180);
    },
  );

  it('trains at nine tenths of the speed of the command line, at least', { timeout: 400_000 }, async () => {
    // One thread each: beside two of them, on two processors, the page would have none left to draw with.
    const steps = 100;
    const { page } = await visit({ isolated: false, serviceWorkers: 'block' });
    await page.getByLabel('Computes on').selectOption('wasm');
    await page.getByLabel('Steps').first().fill(String(steps));
    const folder = mkdtempSync(join(tmpdir(), 'sympow-playground-test-'));
    writeFileSync(join(folder, 'text.txt'), sampleText().text);
    const shape = ['--hidden', '64', '--layers', '2', '--heads', '2', '--head-size', '32', '--power', '2'];
    const run = ['--context', '128', '--batch', '8', '--steps', String(steps)];
    const tokenizer = ['--tokenizer', 'Small-stories/tokenizer.json'];
    const rest = [...tokenizer, '--eval-rows', '1', '--backend', 'wasm', '--threads', '1', '--json'];
    // In turns, the best of five: whatever else the machine does takes from both. Both show the speed of the last steps.
    const inPage: number[] = [];
    const outside: number[] = [];
    for (const round of [1, 2, 3, 4, 5]) {
      await start(page);
      await page.getByText(`Done after ${steps} steps`).waitFor({ state: 'hidden' });
      await page.getByText(`Done after ${steps} steps`).waitFor({ timeout: 300_000 });
      inPage.push(await speedOf(page));
      if (round === 1) {
        await goTo(page, 'Keep');
        const handed = page.waitForEvent('download');
        await page.getByRole('button', { name: 'Download' }).click();
        await (await handed).saveAs(join(folder, 'model.tar'));
        execFileSync('tar', ['xf', 'model.tar'], { cwd: folder });
        await goTo(page, 'Train');
      }
      const argv = ['apps/cli', 'train', 'text.txt', '--out', `run-${round}`, ...shape, ...run, ...rest];
      const env = { ...process.env, INIT_CWD: folder };
      const { stdout } = await promisify(execFile)(process.execPath, [join(root, 'tools/run.mjs'), ...argv], { env });
      outside.push((JSON.parse(stdout.trim().split('\n').at(-1)) as { tokensPerSecond: number }).tokensPerSecond);
    }
    rmSync(folder, { recursive: true });
    const [here, node] = [Math.max(...inPage), Math.max(...outside)];
    say(`${inPage.join(', ')} in Chromium, ${outside.map(Math.round).join(', ')} on Node`);
    say(`${here.toFixed(0)} tokens/s in Chromium, ${node.toFixed(0)} with the command line on Node ${process.version}`);
    expect(here).toBeGreaterThan(0.9 * node);
  });

  it('writes a hundred thousand tokens at one speed, in one state', { timeout: 400_000 }, async () => {
    const { page } = await visit();
    await tinyRun(page, 20);
    await trainToTheEnd(page, 20);
    await goTo(page, 'Talk');
    await page.getByLabel('At most').fill('100000');
    const write = page.getByRole('button', { name: 'Write', exact: true });
    await write.click();
    const position = async () =>
      Number(/Context\s+([\d,]+)/.exec(await page.locator('.figures').innerText())?.[1]?.replaceAll(',', '') ?? 0);
    const [own, cache] = [page.locator('.own b'), page.locator('.cache b')];
    await expect.poll(position).toBeGreaterThan(5000);
    const [state, speed] = [await own.innerText(), await speedOf(page)];
    await write.waitFor({ timeout: 300_000 });
    expect(await position()).toBeGreaterThanOrEqual(100_000);
    say(
      `${await position()} tokens: ${speed} tokens/s at the beginning and ${await speedOf(page)} over all, ` +
        `state ${state} then and ${await own.innerText()} now, a cache of keys and values ${await cache.innerText()}`,
    );
    expect(await own.innerText()).toBe(state);
    expect(await speedOf(page)).toBeGreaterThan(0.8 * speed);
  });

  it(
    `memory is flat over ${minutes} minutes of training and stretching`,
    { timeout: minutes * 90_000 + 300_000 },
    async () => {
      const { page } = await visit();
      const memory = () =>
        page.evaluate(async () => {
          const { bytes } = await (
            performance as unknown as { measureUserAgentSpecificMemory(): Promise<{ bytes: number }> }
          ).measureUserAgentSpecificMemory();
          return bytes;
        });
      /** A run, and a long text. */
      const round = async () => {
        await goTo(page, 'Train');
        await page.getByRole('spinbutton', { name: /^Steps/ }).fill('60');
        await start(page);
        await page.getByText('Done after 60 steps').waitFor({ state: 'hidden' });
        await page.getByText('Done after 60 steps').waitFor({ timeout: 300_000 });
        await goTo(page, 'Stretch');
        await page.getByRole('button', { name: 'Read' }).click();
        await page.getByRole('button', { name: 'Stop' }).waitFor();
        await page.getByRole('button', { name: 'Read' }).waitFor({ timeout: 300_000 });
      };
      await round();
      await round();
      const before = await memory();
      const end = performance.now() + minutes * 60_000;
      let rounds = 0;
      for (; performance.now() < end; rounds++) await round();
      const after = await memory();
      say(`${(before / 1e6).toFixed(0)} MB, and ${(after / 1e6).toFixed(0)} MB after ${rounds} more rounds`);
      expect(after).toBeLessThan(1.1 * before + 10e6);
    },
  );
});
