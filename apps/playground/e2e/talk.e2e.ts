// Talk: what a model writes, again and again the same, from places that are marked and sessions that are kept.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright';
import { afterAll, expect, it } from 'vitest';
import { describeSite, goTo, tinyRun, trainToTheEnd } from './site';

const read = (page: Page, tokens: string) =>
  expect.poll(() => page.locator('.figures').innerText()).toMatch(new RegExp(`Context\\s+${tokens} tokens`));

describeSite('Talk', ({ visit }) => {
  const folder = mkdtempSync(join(tmpdir(), 'sympow-playground-test-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('writes the same again in a state that stays, from places and sessions too', async () => {
    const { page, faults } = await visit();
    await tinyRun(page, 30);
    await trainToTheEnd(page, 30);
    await goTo(page, 'Talk');
    await page.getByLabel('Begin with').fill('The sun ');
    await page.getByLabel('At most').fill('300');
    const write = page.getByRole('button', { name: 'Write', exact: true });
    const goOn = page.getByRole('button', { name: 'Go on' });
    const written = page.getByLabel('What it wrote');
    await write.click();
    await read(page, '307');
    await write.waitFor();
    const first = await written.innerText();
    expect(first).toMatch(/^The sun [^]{200}/);
    const [own, cache] = [page.locator('.own b'), page.locator('.cache b')];
    const [ownThen, cacheThen] = [await own.innerText(), await cache.innerText()];

    await page.getByRole('button', { name: 'Mark this place' }).click();
    const saved = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Save the session' }).click();
    const session = join(folder, (await saved).suggestedFilename());
    await (await saved).saveAs(session);
    const next = async () => {
      await goOn.click();
      await read(page, '607');
      await write.waitFor();
      return (await written.innerText()).slice(-250);
    };
    const second = await next();
    expect(await own.innerText()).toBe(ownThen);
    expect(await cache.innerText()).not.toBe(cacheThen);
    await page.getByRole('button', { name: 'Back to 307' }).click();
    await read(page, '307');
    expect(await next()).toBe(second);
    const open = page.getByLabel('File of a session');
    await open.setInputFiles(session);
    await page.getByText('Here session.safetensors was opened: 307 tokens').waitFor();
    await read(page, '307');
    expect(await next()).toBe(second);
    // A question after what was read.
    await page.getByRole('button', { name: 'Back to 307' }).click();
    await read(page, '307');
    await page.getByLabel(/^Then read/).fill(' "What colour');
    await goOn.click();
    await read(page, '620');
    expect(await written.innerText()).toContain(`${first.slice(-40)} "What colour`);
    // What is no session leaves the text where it is.
    await open.setInputFiles({ name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('no session at all') });
    await page.getByText(/^notes\.txt/).waitFor();
    await read(page, '620');

    await page.reload();
    await page.getByLabel('At most').fill('300');
    await page.getByLabel('Begin with').fill('The sun ');
    await write.click();
    await expect.poll(() => written.innerText()).toBe(first);
    expect(faults).toEqual([]);
  });
});
