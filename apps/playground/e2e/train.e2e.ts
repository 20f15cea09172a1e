// Train: a person begins a run, holds it, stops it, goes on with it, reloads in the midst of it.

import { expect, it } from 'vitest';
import { describeSite, goTo, stepOf, tinyRun, trainToTheEnd } from './site';

/** In the page: resolves when a checkpoint is half written, which its name says. */
async function aSaveBegins(): Promise<void> {
  const entries = (folder: FileSystemDirectoryHandle) =>
    (folder as unknown as { entries(): AsyncIterable<[string, FileSystemDirectoryHandle]> }).entries();
  const all = await (await navigator.storage.getDirectory()).getDirectoryHandle('sympow-playground');
  for await (const [, run] of entries(all)) {
    const checkpoints = await run.getDirectoryHandle('checkpoints');
    for (;;) for await (const [name] of entries(checkpoints)) if (name.endsWith('.partial')) return;
  }
}

describeSite('Train', ({ visit }) => {
  it('says what a run will take, trains, writes in between, and is as it was after a reload', async () => {
    const { page, faults } = await visit();
    await tinyRun(page, 60);
    await expect
      .poll(() => page.locator('.figures').innerText())
      .toMatch(/Parameters\s+[\d.]+ thousand\s+Memory\s+about [\d.]+ MB\s+Expected time\s+about \d/);
    await trainToTheEnd(page, 60);
    const chart = page.getByRole('img', { name: /^Loss by step/ });
    const label = (await chart.getAttribute('aria-label'))!;
    const [, train, held] = /(\d\.\d+) in training after 60 steps, (\d\.\d+) on held-out/.exec(label)!;
    // ln 45 is where it begins.
    expect(Number(train)).toBeLessThan(3.2);
    expect(Number(held)).toBeLessThan(3.2);
    await page.getByText('What it writes after 60 steps').waitFor();
    await page.reload();
    await page.getByText('Small stories: 60 steps, as this browser kept them.').waitFor();
    expect(await chart.getAttribute('aria-label')).toBe(label);
    expect(faults).toEqual([]);
  });

  it('pauses, resumes, stops, and goes on from the step that was kept', async () => {
    const { page, faults } = await visit();
    await tinyRun(page, 4000);
    await page.getByRole('button', { name: 'Start' }).click();
    const step = () => stepOf(page);
    await expect.poll(step).toBeGreaterThan(3);
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('Paused.').waitFor();
    await page.waitForTimeout(200);
    const paused = await step();
    await page.waitForTimeout(400);
    expect(await step()).toBe(paused);
    await page.getByRole('button', { name: 'Resume' }).click();
    await expect.poll(step).toBeGreaterThan(paused);
    await page.getByRole('button', { name: 'Stop' }).click();
    const status = page.getByText(/^Stopped after [\d,]+ steps, kept in this browser\.$/);
    await status.waitFor();
    const kept = Number(/[\d,]+/.exec(await status.innerText())![0].replace(',', ''));
    await page.getByRole('button', { name: /^Go on from step/ }).click();
    await expect.poll(step).toBeGreaterThan(kept);
    await page.getByRole('button', { name: 'Stop' }).click();
    await status.waitFor();
    expect(faults).toEqual([]);
  });

  it('has what was kept when a page is closed in the midst of a run, while it is kept', async () => {
    const { page, context } = await visit();
    await tinyRun(page, 200);
    await page.getByRole('button', { name: 'Start' }).click();
    await expect.poll(() => stepOf(page)).toBeGreaterThan(41);
    const url = page.url();
    await page.evaluate(aSaveBegins);
    await page.close();
    const again = await context.newPage();
    await again.goto(url);
    const status = again.getByText(/^Small stories: \d+ steps, as this browser kept them\.$/);
    await status.waitFor();
    expect(Number(/(\d+) steps/.exec(await status.innerText())![1])).toBeGreaterThanOrEqual(40);
    await again.getByRole('button', { name: /^Go on from step/ }).click();
    await again.getByText('Done after 200 steps, kept in this browser.').waitFor();
  });

  it('lays runs over one another by name, and has its configuration in the address', async () => {
    const { page, context, faults } = await visit();
    await tinyRun(page, 20);
    await trainToTheEnd(page, 20);
    await page.getByLabel('Variant').selectOption('gated');
    await page.getByRole('button', { name: /^Start/ }).click();
    await page.getByText('Done after 20 steps').waitFor({ state: 'hidden' });
    await page.getByText('Done after 20 steps, kept in this browser.').waitFor();
    await page.getByText('Compare with another run').click();
    await page.getByRole('checkbox', { name: 'Show conformal, power 2, tiny' }).check();
    const key = page.locator('figcaption .key');
    await expect
      .poll(() => key.allInnerTexts())
      .toContainEqual(expect.stringMatching(/^conformal, power 2, tiny \d\.\d+$/));
    await page.getByLabel('Name of conformal').fill('the first');
    await page.keyboard.press('Tab');
    await expect.poll(() => key.allInnerTexts()).toContainEqual(expect.stringMatching(/^the first \d/));
    await page.getByRole('checkbox', { name: 'Show the first' }).uncheck();
    await expect.poll(() => key.count()).toBe(2);
    expect(new URL(page.url()).search).toBe(
      '?variant=gated&size=tiny&backend=wasm&training.context=32&training.steps=20',
    );
    const other = await context.newPage();
    await other.goto(page.url());
    expect(await other.getByLabel('Variant').inputValue()).toBe('gated');
    expect(await other.getByLabel('Context').inputValue()).toBe('32');
    expect(faults).toEqual([]);
  });

  it('lets one tab at a time write a run', async () => {
    const { page, context } = await visit();
    await tinyRun(page, 2000);
    await page.getByRole('button', { name: 'Start' }).click();
    await expect.poll(() => stepOf(page)).toBeGreaterThan(210);
    const other = await context.newPage();
    await other.goto(page.url());
    await other.getByText('as this browser kept them.').waitFor();
    await other.getByRole('button', { name: /^Go on from step/ }).click();
    await other.getByText('Another tab works on this run.').waitFor();
    const then = await stepOf(page);
    await expect.poll(() => stepOf(page)).toBeGreaterThan(then);
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText(/^Stopped after/).waitFor();
    await other.reload();
    await other.getByRole('button', { name: /^Go on from step/ }).click();
    await expect.poll(() => stepOf(other)).toBeGreaterThan(then);
  });

  it('says so when the browser has no room, and the model is not lost', async () => {
    const { page, context } = await visit();
    await tinyRun(page, 60);
    const session = await context.newCDPSession(page);
    const { origin } = new URL(page.url());
    const room = async (bytes: number) => {
      const usage = await page.evaluate(async () => (await navigator.storage.estimate()).usage ?? 0);
      await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: usage + bytes });
    };
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => true));
    await room(200_000);
    await page.getByRole('button', { name: 'Start' }).click();
    const alerts = () => page.getByRole('alert').allInnerTexts();
    await expect.poll(alerts).toContainEqual(expect.stringMatching(/room.* The model stays as it is after 20 steps/s));
    await goTo(page, 'Talk');
    await page.getByRole('button', { name: 'Write', exact: true }).click();
    await expect.poll(() => page.getByLabel('What it wrote').innerText()).toMatch(/^.{50}/s);
    await goTo(page, 'Train');
    await room(1000);
    await page.getByRole('button', { name: /^Start/ }).click();
    await page.getByText('This browser has no room left for the run. It is not kept').waitFor();
    await page.getByText('Done after 60 steps.').waitFor();
  });

  it('trains on one thread without isolation, and says why', async () => {
    const { page, faults } = await visit({ isolated: false, serviceWorkers: 'block' });
    await tinyRun(page, 20);
    await page.getByText(/cross-origin isolated/).waitFor();
    await trainToTheEnd(page, 20);
    expect(faults).toEqual([]);
  });
});

/** In the worker: holds on to the device that is asked for, so that it can be taken away. */
function holdDevice(): void {
  const { requestDevice } = GPUAdapter.prototype;
  GPUAdapter.prototype.requestDevice = async function (...args) {
    const device = await requestDevice.apply(this, args);
    Object.assign(globalThis, { device });
    return device;
  };
}

describeSite(
  'Train on WebGPU',
  ({ visit }) => {
    // A software GPU compiles its shaders on the CPU.
    const patience = { timeout: 200_000 };
    it('trains, writes, and has the run again when its device goes away', { timeout: 500_000 }, async () => {
      const { page, faults } = await visit({ search: '?backend=wasm' });
      await page.getByText(/^Computes on wasm/).waitFor();
      const worker = page.workers().find((each) => each.url().includes('/worker-'))!;
      await worker.evaluate(holdDevice);
      await tinyRun(page, 4, 'webgpu');
      await page.getByLabel('Context').fill('16');
      await page.getByText(/^Computes on webgpu/).waitFor();
      await trainToTheEnd(page, 4, 400_000);
      await goTo(page, 'Talk');
      await page.getByLabel('At most').fill('32');
      const write = page.getByRole('button', { name: 'Write', exact: true });
      const written = () => page.getByLabel('What it wrote').innerText();
      await write.click();
      await expect.poll(written, patience).toMatch(/^.{30}/s);
      // The button is there again when it has written all.
      await write.waitFor(patience);
      const first = await written();
      await worker.evaluate(() => (globalThis as unknown as { device: GPUDevice }).device.destroy());
      await write.click();
      const lost = page.getByText(/^the GPU device was lost .*That was done: the run is as this browser kept it\.$/);
      await lost.waitFor(patience);
      await write.click();
      await expect.poll(written, patience).toBe(first);
      await lost.waitFor({ state: 'hidden' });
      await goTo(page, 'Train');
      await page.getByText('Small stories: 4 steps, as this browser kept them.').waitFor();
      expect(faults).toEqual([]);
    });
  },
  'webgpu',
);
