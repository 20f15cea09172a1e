// Stretch and Look inside: what they find in a model that was trained a moment ago.

import { expect, it } from 'vitest';
import { describeSite, goTo, tinyRun, trainToTheEnd } from './site';

describeSite('Stretch, Look inside', ({ visit }) => {
  it('reads far beyond training in a state that stays, beside softmax whose cache grows', async () => {
    const { page, faults } = await visit();
    await tinyRun(page, 20);
    await trainToTheEnd(page, 20);
    await goTo(page, 'Stretch');
    await page.getByLabel('Length').selectOption('1024');
    await page.getByRole('button', { name: 'Read' }).click();
    await expect
      .poll(() => page.locator('.figures').innerText())
      .toMatch(/Read\s+1,024 of 1,024\s+Beyond training\s+32 times/);
    await page.getByRole('button', { name: 'Read' }).waitFor();
    const chart = page.getByRole('img', { name: /^Loss by position/ });
    const label = (await chart.getAttribute('aria-label'))!;
    expect(label).toMatch(/This model \d\.\d+ at 1,024, softmax \d\.\d+ at 1,024\./);
    const sizes = async () => [await page.locator('.own b').innerText(), await page.locator('.cache b').innerText()];
    const [state, cache] = await sizes();
    await page.getByLabel('Length').selectOption('4096');
    await page.getByRole('button', { name: 'Read' }).click();
    await expect.poll(() => page.locator('.figures').innerText()).toMatch(/Read\s+4,096 of 4,096/);
    const [stateAfter, cacheAfter] = await sizes();
    expect(stateAfter).toBe(state);
    const kilobytes = (text: string) => parseFloat(text) * (text.endsWith('MB') ? 1000 : 1);
    expect(kilobytes(cacheAfter!)).toBeGreaterThan(3 * kilobytes(cache!));
    // Given up in the midst of it, the page is ready for the next.
    await page.getByLabel('Length').selectOption('262144');
    await page.getByRole('button', { name: 'Read' }).click();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByRole('button', { name: 'Read' }).waitFor();
    expect(faults).toEqual([]);
  });

  it('shows gates, phases and what a head remembers along a text, and how a head works', async () => {
    const { page, faults } = await visit({ reducedMotion: 'reduce' });
    await goTo(page, 'Look inside');
    await page.getByText('Nothing to look into yet').waitFor();
    const caption = page.locator('.caption');
    const first = await caption.innerText();
    await page.waitForTimeout(3000);
    expect(await caption.innerText()).toBe(first);
    for (let i = 0; i < 3; i++) await page.getByRole('button', { name: 'Next step' }).click();
    const [, answer, sum] = /answers (-?[\d.]+)\..* is (-?[\d.]+): the same/.exec(await caption.innerText())!;
    expect(answer).toBe(sum);

    await goTo(page, 'Train');
    await tinyRun(page, 20);
    await trainToTheEnd(page, 20);
    await goTo(page, 'Look inside');
    await page.getByLabel(/^A text for/).fill('Ada had a red lamp.');
    await page.getByRole('button', { name: 'Look', exact: true }).click();
    const readout = page.locator('.readout');
    await expect
      .poll(() => readout.innerText())
      .toMatch(/^Layer 1, head 1 at “\.” takes its answer from “.+”.*: \d+ %/);
    await page.getByLabel(/^Token/).press('Home');
    await expect.poll(() => readout.innerText()).toMatch(/at “A” takes its answer from “A” itself: 100 %/);
    await page.getByRole('radio', { name: 'Gates γ' }).check();
    await expect.poll(() => readout.innerText()).toMatch(/at “A”: γ = 0\.\d{4}/);
    await page.getByRole('radio', { name: 'Phases Σβ' }).check();
    await expect.poll(() => readout.innerText()).toMatch(/Σβ = 1\.\d after 1 tokens|Σβ = 0\.\d after 1 tokens/);
    expect(faults).toEqual([]);
  });
});
