// Every screen by keyboard alone: Tab reaches what is needed, Enter does it, and the focus stays where the person was.

import type { Page } from 'playwright';
import { expect, it } from 'vitest';
import { describeSite, tinyRun, trainToTheEnd } from './site';

/** Tabs on to what has this name. */
async function reach(page: Page, name: string | RegExp): Promise<void> {
  for (let presses = 0; presses < 60; presses++) {
    await page.keyboard.press('Tab');
    const label = await focused(page);
    if (typeof name === 'string' ? label === name : name.test(label)) return;
  }
  expect.fail(`No way by Tab to ${String(name)}`);
}

/** The name of what has the focus. */
const focused = (page: Page) =>
  page.evaluate(() => {
    const element = document.activeElement as HTMLInputElement | null;
    return (element?.labels?.[0]?.textContent ?? element?.textContent ?? '').trim();
  });

describeSite('By keyboard alone', ({ visit }) => {
  it('Train, Talk, Look inside and Keep', async () => {
    const { page } = await visit();
    await page.getByRole('button', { name: 'Start' }).and(page.locator(':enabled')).waitFor();
    await reach(page, 'Size');
    await page.keyboard.press('t');
    await reach(page, /^Context/);
    await page.keyboard.press('Control+a');
    await page.keyboard.type('32');
    await reach(page, /^Steps/);
    await page.keyboard.press('Control+a');
    await page.keyboard.type('20');
    await reach(page, 'Start');
    await page.keyboard.press('Enter');
    await page.getByText('Done after 20 steps').waitFor();
    await reach(page, 'Talk');
    await page.keyboard.press('Enter');
    await reach(page, 'Write');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.getByLabel('What it wrote').innerText()).toMatch(/^.{50}/s);
    await page.getByRole('button', { name: 'Write', exact: true }).waitFor();
    await reach(page, 'Mark this place');
    await page.keyboard.press('Enter');
    await reach(page, 'Open a session');
    await reach(page, /^Back to/);
    await page.keyboard.press('Enter');
    await reach(page, 'Look inside');
    await page.keyboard.press('Enter');
    await reach(page, 'Look');
    await page.keyboard.press('Enter');
    await page.getByText(/takes its answer from/).waitFor();
    expect(await focused(page)).toBe('Look');
    await reach(page, /^Token/);
    await page.keyboard.press('Home');
    await page.getByText(/takes its answer from .* itself: 100 %/).waitFor();
    await reach(page, 'Keep');
    await page.keyboard.press('Enter');
    const handed = page.waitForEvent('download');
    await reach(page, 'Download');
    await page.keyboard.press('Enter');
    await handed;
    await reach(page, 'Open');
    await reach(page, /^Folder of a checkpoint/);
  });

  it('Stretch and Measure', async () => {
    const { page, context, faults } = await visit();
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await tinyRun(page, 20);
    await trainToTheEnd(page, 20);
    await reach(page, 'Stretch');
    await page.keyboard.press('Enter');
    await reach(page, 'Length');
    await page.keyboard.press('Home');
    await reach(page, 'Softmax beside it');
    await page.keyboard.press('Space');
    await reach(page, 'Read');
    await page.keyboard.press('Enter');
    const figures = page.locator('.figures');
    await expect.poll(() => figures.innerText(), { timeout: 60_000 }).toMatch(/Read\s+1,024 of 1,024/);
    await expect.poll(() => focused(page)).toBe('Read');
    // The same key stops what it began, and begins it again.
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('End');
    await reach(page, 'Read');
    await page.keyboard.press('Enter');
    await expect.poll(() => figures.innerText()).toMatch(/of 262,144/);
    expect(await focused(page)).toBe('Stop');
    await page.keyboard.press('Enter');
    await expect.poll(() => focused(page)).toBe('Read');

    await reach(page, 'Measure');
    await page.keyboard.press('Enter');
    await page.getByText('Press Measure.').waitFor();
    await reach(page, 'Measure');
    await page.keyboard.press('Enter');
    await expect.poll(() => focused(page)).toBe('Stop');
    await page.getByText('% of 128 tokens').first().waitFor({ timeout: 140_000 });
    await page.keyboard.press('Enter');
    await page.getByLabel(/^Report/).waitFor();
    expect(await focused(page)).toBe('Measure');
    await reach(page, /^Report/);
    await reach(page, 'Copy');
    await page.keyboard.press('Enter');
    await expect.poll(() => focused(page)).toBe('Copied');
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    expect(Object.keys(JSON.parse(copied) as object)).toContain('backends');
    await reach(page, /^Backend/);
    expect(faults).toEqual([]);
  });
});
