// The playground in Chromium, on WebAssembly: a person trains, talks, keeps, reloads, and makes mistakes.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { folderStorage } from '@sympow/storage';
import { load } from '@sympow/start';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findChromium, noChromium } from '../../../tools/chromium.mjs';
import { openSite, tinyRun, type Site } from './site';

const there = findChromium() !== undefined;
if (!there && process.env.CI) it(`needs Chromium (${noChromium()})`, () => expect.fail(noChromium()));
else if (!there) it.skip(`needs Chromium (${noChromium()})`);

describe.runIf(there)('the playground', { timeout: 60_000 }, () => {
  let site: Site;
  const folder = mkdtempSync(join(tmpdir(), 'sympow-playground-test-'));
  beforeAll(async () => {
    site = await openSite();
  }, 60_000);
  afterAll(async () => {
    await site?.close();
    rmSync(folder, { recursive: true });
  });
  const file = (name: string, bytes: string | Uint8Array) => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };

  it('says what a run will take, trains, talks, hands out a checkpoint, and is as it was after a reload', async () => {
    const { page, faults } = await site.visit();
    await tinyRun(page, 60);
    const figures = page.locator('.figures');
    await expect
      .poll(() => figures.innerText())
      .toMatch(/Parameters\s+[\d.]+ thousand\s+Memory\s+about [\d.]+ MB\s+Expected time\s+about \d/);
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByText('Done after 60 steps, kept in this browser.').waitFor();
    const chart = page.getByRole('img', { name: /^Loss by step/ });
    const says = /(\d\.\d+) in training after 60 steps, (\d\.\d+) on held-out/.exec(
      (await chart.getAttribute('aria-label'))!,
    )!;
    // ln 45 is where it begins.
    expect(Number(says[1])).toBeLessThan(3.2);
    expect(Number(says[2])).toBeLessThan(3.2);
    await page.getByText('What it writes after 60 steps').waitFor();

    await page.getByRole('link', { name: 'Talk' }).click();
    await page.getByLabel('Begin with').fill('The sun ');
    await page.getByLabel('At most').fill('300');
    await page.getByRole('button', { name: 'Write' }).click();
    await expect.poll(() => figures.innerText()).toMatch(/Context\s+307 tokens/);
    const first = await page.getByLabel('What it wrote').innerText();
    expect(first).toMatch(/^The sun [^]{200}/);
    const state = page.locator('.own b');
    const [cacheThen, stateThen] = [await page.locator('.cache b').innerText(), await state.innerText()];
    await page.getByRole('button', { name: 'Go on' }).click();
    await expect.poll(() => figures.innerText()).toMatch(/Context\s+607 tokens/);
    expect(await state.innerText()).toBe(stateThen);
    expect(await page.locator('.cache b').innerText()).not.toBe(cacheThen);
    const write = page.getByRole('button', { name: 'Write' });
    await write.click();
    await write.waitFor();
    await expect.poll(() => page.getByLabel('What it wrote').innerText()).toBe(first);

    await page.getByRole('link', { name: 'Keep' }).click();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('Small-stories.tar');
    await download.saveAs(join(folder, 'model.tar'));
    execFileSync('tar', ['xf', 'model.tar'], { cwd: folder });
    const model = await load(folderStorage(join(folder, 'Small-stories')), { backend: 'js' });
    expect(model.model.config.layers).toBe(1);
    expect(model.tokenizer.name).toBe('chars');
    await model.close();

    await page.reload();
    await page.getByRole('link', { name: 'Train' }).click();
    await page.getByText('Small stories: 60 steps, as this browser kept them.').waitFor();
    expect(await chart.getAttribute('aria-label')).toBe(says.input);
    await page.getByRole('link', { name: 'Talk' }).click();
    await page.getByLabel('Begin with').fill('The sun ');
    await page.getByLabel('At most').fill('300');
    await page.getByRole('button', { name: 'Write' }).click();
    await expect.poll(() => page.getByLabel('What it wrote').innerText()).toBe(first);
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it('pauses, resumes, stops, and goes on from the step that was kept', async () => {
    const { page, faults } = await site.visit();
    await tinyRun(page, 4000);
    await page.getByRole('button', { name: 'Start' }).click();
    const step = async () =>
      Number(/Step\s+([\d,]+) of/.exec(await page.locator('.figures').innerText())?.[1]?.replace(',', '') ?? 0);
    await expect.poll(step).toBeGreaterThan(3);
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('Paused.').waitFor();
    await page.waitForTimeout(200);
    const held = await step();
    await page.waitForTimeout(400);
    expect(await step()).toBe(held);
    await page.getByRole('button', { name: 'Resume' }).click();
    await expect.poll(step).toBeGreaterThan(held);
    await page.getByRole('button', { name: 'Stop' }).click();
    const status = page.getByText(/^Stopped after [\d,]+ steps, kept in this browser\.$/);
    await status.waitFor();
    const kept = Number(/[\d,]+/.exec(await status.innerText())![0].replace(',', ''));
    await page.getByRole('button', { name: /^Go on from step/ }).click();
    await expect.poll(step).toBeGreaterThan(kept);
    await page.getByRole('button', { name: 'Stop' }).click();
    await status.waitFor();
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it('opens what it handed out, and says what is no checkpoint', async () => {
    const { page } = await site.visit();
    await page.getByRole('link', { name: 'Keep' }).click();
    await page.getByText('There is no model yet.').waitFor();
    await page.getByLabel('Files of a checkpoint').setInputFiles(file('notes.txt', 'no model'));
    await page.getByText('notes.txt: no checkpoint.').waitFor();
    const broken = readFileSync(join(folder, 'model.tar'));
    broken.fill(7, broken.length - 6000, broken.length - 5000);
    await page.getByLabel('Files of a checkpoint').setInputFiles(file('broken.tar', broken));
    await expect.poll(() => page.getByRole('alert').innerText()).toMatch(/broken\.tar|damaged|checksum/);
    await page.getByLabel('Files of a checkpoint').setInputFiles(join(folder, 'model.tar'));
    await page.getByText('model.tar, ').waitFor();
    await page.getByRole('link', { name: 'Talk' }).click();
    await page.getByLabel('Begin with').fill('The sun ');
    await page.getByRole('button', { name: 'Write' }).click();
    await expect.poll(() => page.getByLabel('What it wrote').innerText()).toMatch(/^The sun [^]{100}/);
    await page.context().close();
  });

  it('says in place what is wrong with a text, a field and a backend', async () => {
    const { page } = await site.visit();
    const files = page.getByLabel('Text files to learn from');
    await files.setInputFiles(file('image.png', Uint8Array.of(137, 80, 78, 71, 0, 0, 1)));
    await page.getByText('image.png is not text: it has zero bytes, as binary files do.').waitFor();
    await files.setInputFiles(file('latin.txt', Uint8Array.of(0xe9, 0x20)));
    await page.getByText('latin.txt is not text: it is not UTF-8.').waitFor();
    await files.setInputFiles(file('short.txt', 'abc'));
    await page.getByText('short.txt has 3 characters; a context of 128 needs at least 145.').waitFor();
    expect(await page.getByRole('button', { name: 'Start' }).isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'Use the sample' }).click();
    await page.getByLabel('Power').fill('3');
    await expect.poll(() => page.getByRole('alert').allInnerTexts()).toContainEqual(expect.stringContaining('power'));
    await page.getByLabel('Power').fill('2');
    await page.getByLabel('Context').fill('0');
    await page.getByText('Expected a whole number of at least 1.').waitFor();
    await page.getByLabel('Context').fill('64');
    await page.getByLabel('Computes on').selectOption('webgpu');
    await expect.poll(() => page.getByRole('alert').allInnerTexts()).toContainEqual(expect.stringMatching(/GPU/));
    await page.getByLabel('Computes on').selectOption('wasm');
    await expect.poll(() => page.getByRole('button', { name: 'Start' }).isEnabled()).toBe(true);
    await page.context().close();
  });
});

describe.runIf(there)('without isolation', { timeout: 60_000 }, () => {
  it('trains on one thread and says why', async () => {
    const site = await openSite(false);
    const { page, faults } = await site.visit();
    await tinyRun(page, 20);
    await page.getByText(/cross-origin isolated/).waitFor();
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByText('Done after 20 steps').waitFor();
    expect(faults).toEqual([]);
    await site.close();
  });
});
