// Talk and Keep: what a model writes, checkpoints handed out and taken in, and what is wrong with files.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { load } from '@sympow/start';
import { folderStorage } from '@sympow/storage';
import { afterAll, expect, it } from 'vitest';
import { describeSite, goTo, tinyRun, trainToTheEnd } from './site';

describeSite('Talk and Keep', ({ visit }) => {
  const folder = mkdtempSync(join(tmpdir(), 'sympow-playground-test-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = (name: string, bytes: string | Uint8Array) => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };

  it('writes the same again, in a state that stays; hands the model out, and is as it was after a reload', async () => {
    const { page, faults } = await visit();
    await tinyRun(page, 30);
    await trainToTheEnd(page, 30);
    await goTo(page, 'Talk');
    await page.getByLabel('Begin with').fill('The sun ');
    await page.getByLabel('At most').fill('300');
    const write = page.getByRole('button', { name: 'Write', exact: true });
    await write.click();
    const figures = page.locator('.figures');
    await expect.poll(() => figures.innerText()).toMatch(/Context\s+307 tokens/);
    const written = page.getByLabel('What it wrote');
    const first = await written.innerText();
    expect(first).toMatch(/^The sun [^]{200}/);
    const [own, cache] = [page.locator('.own b'), page.locator('.cache b')];
    const [ownThen, cacheThen] = [await own.innerText(), await cache.innerText()];
    await page.getByRole('button', { name: 'Go on' }).click();
    await expect.poll(() => figures.innerText()).toMatch(/Context\s+607 tokens/);
    expect(await own.innerText()).toBe(ownThen);
    expect(await cache.innerText()).not.toBe(cacheThen);
    await write.click();
    await write.waitFor();
    await expect.poll(() => written.innerText()).toBe(first);
    await page.getByRole('button', { name: 'Mark this place' }).click();
    const [goOn, back] = [
      page.getByRole('button', { name: 'Go on' }),
      page.getByRole('button', { name: 'Back to 307' }),
    ];
    const next = async () => {
      await goOn.click();
      await expect.poll(() => figures.innerText()).toMatch(/Context\s+607 tokens/);
      await write.waitFor();
      const text = await written.innerText();
      await back.click();
      await expect.poll(() => figures.innerText()).toMatch(/Context\s+307 tokens/);
      return text;
    };
    expect(await next()).toBe(await next());
    const saved = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Save the session' }).click();
    expect((await saved).suggestedFilename()).toBe('session.safetensors');

    await goTo(page, 'Keep');
    const handed = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download' }).click();
    const download = await handed;
    expect(download.suggestedFilename()).toBe('Small-stories.tar');
    await download.saveAs(join(folder, 'model.tar'));
    execFileSync('tar', ['xf', 'model.tar'], { cwd: folder });
    const model = await load(folderStorage(join(folder, 'Small-stories')), { backend: 'js' });
    expect(model.model.config.layers).toBe(1);
    expect(model.tokenizer.name).toBe('chars');
    await model.close();

    await page.reload();
    await goTo(page, 'Talk');
    await page.getByLabel('Begin with').fill('The sun ');
    await page.getByLabel('At most').fill('300');
    await page.getByRole('button', { name: 'Write', exact: true }).click();
    await expect.poll(() => written.innerText()).toBe(first);
    expect(faults).toEqual([]);
  });

  it('opens what it handed out, and says what is no checkpoint or one of another shape', async () => {
    const { page } = await visit();
    await goTo(page, 'Keep');
    await page.getByText('There is no model yet.').waitFor();
    const files = page.getByLabel('Files of a checkpoint');
    const alert = () => page.getByRole('alert').innerText();
    await files.setInputFiles(file('notes.txt', 'no model'));
    await page.getByText('notes.txt: no checkpoint.').waitFor();
    const broken = readFileSync(join(folder, 'model.tar'));
    broken.fill(7, broken.length - 6000, broken.length - 5000);
    await files.setInputFiles(file('broken.tar', broken));
    await expect.poll(alert).toMatch(/broken\.tar|damaged|checksum/);
    const other = join(folder, 'Small-stories');
    const config = readFileSync(join(other, 'config.json'), 'utf8');
    const wider = file('config.json', config.replace(/"hidden_size": ?32/, '"hidden_size": 64'));
    await files.setInputFiles([wider, join(other, 'model.safetensors'), join(other, 'tokenizer.json')]);
    await expect.poll(alert).toMatch(/\[\d+, 32\].*64|64.*32/s);
    await files.setInputFiles(join(folder, 'model.tar'));
    await page.getByText('model.tar, ').waitFor();
    await goTo(page, 'Talk');
    await page.getByLabel('Begin with').fill('The sun ');
    await page.getByRole('button', { name: 'Write', exact: true }).click();
    await expect.poll(() => page.getByLabel('What it wrote').innerText()).toMatch(/^The sun [^]{100}/);
  });

  it('says in place what is wrong with a text, a field and a backend', async () => {
    const { page } = await visit();
    const files = page.getByLabel('Text files to learn from');
    await files.setInputFiles(file('image.png', Uint8Array.of(137, 80, 78, 71, 0, 0, 1)));
    await page.getByText('image.png is not text: it has zero bytes, as binary files do.').waitFor();
    await files.setInputFiles(file('latin.txt', Uint8Array.of(0xe9, 0x20)));
    await page.getByText('latin.txt is not text: it is not UTF-8.').waitFor();
    await files.setInputFiles(file('short.txt', 'abc'));
    await page.getByText('short.txt has 3 characters; a context of 128 needs at least 145.').waitFor();
    const start = page.getByRole('button', { name: 'Start' });
    expect(await start.isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'The sample' }).click();
    const alerts = () => page.getByRole('alert').allInnerTexts();
    await page.getByLabel('Power').fill('3');
    await expect.poll(alerts).toContainEqual(expect.stringContaining('power'));
    await page.getByLabel('Power').fill('2');
    await page.getByLabel('Context').fill('0');
    await page.getByText('Expected a whole number of at least 1.').waitFor();
    await page.getByLabel('Context').fill('64');
    await page.getByLabel('Computes on').selectOption('webgpu');
    await expect.poll(alerts).toContainEqual(expect.stringMatching(/GPU/));
    await page.getByLabel('Computes on').selectOption('wasm');
    await expect.poll(() => start.isEnabled()).toBe(true);
  });
});
