// Keep: checkpoints handed out and taken in, as files and from an address, with the command line at the other end, and what is wrong
// with files.

import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Page } from 'playwright';
import { afterAll, expect, it } from 'vitest';
import { root } from '../../../tools/workspace.mjs';
import { serveFolder } from './server';
import { describeSite, goTo, tinyRun, trainToTheEnd } from './site';

/** Runs the command line in a folder and gives its result. */
async function sympow(cwd: string, ...args: string[]): Promise<Record<string, unknown>> {
  const argv = [join(root, 'tools/run.mjs'), 'apps/cli', ...args, '--backend', 'js', '--json'];
  const { stdout } = await promisify(execFile)(process.execPath, argv, { cwd, env: { ...process.env, INIT_CWD: cwd } });
  return JSON.parse(stdout.trim().split('\n').at(-1)) as Record<string, unknown>;
}

/** Lets the model that is open write, from `The sun `. */
async function writes(page: Page): Promise<void> {
  await goTo(page, 'Talk');
  await page.getByLabel('Begin with').fill('The sun ');
  await page.getByRole('button', { name: 'Write', exact: true }).click();
  await expect.poll(() => page.getByLabel('What it wrote').innerText()).toMatch(/^The sun [^]{100}/);
}

describeSite('Keep', ({ visit }) => {
  const folder = mkdtempSync(join(tmpdir(), 'sympow-playground-test-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = (name: string, bytes: string | Uint8Array) => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };

  it('hands out what the command line writes with, and opens what it trained, from files and from an address', async () => {
    const { page } = await visit();
    await tinyRun(page, 20);
    await trainToTheEnd(page, 20);
    await goTo(page, 'Keep');
    const handed = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download' }).click();
    const download = await handed;
    expect(download.suggestedFilename()).toBe('Small-stories.tar');
    await download.saveAs(join(folder, 'model.tar'));
    execFileSync('tar', ['xf', 'model.tar'], { cwd: folder });
    const told = await sympow(folder, 'generate', 'Small-stories', '--prompt', 'The sun ', '--max-tokens', '30');
    expect(told.tokens).toBe(30);

    file('text.txt', 'The sun was out. It was late. '.repeat(40));
    const shape = ['--layers', '1', '--hidden', '16', '--heads', '1', '--head-size', '16'];
    const run = ['--out', 'run', '--steps', '3', '--context', '32', '--batch', '2'];
    const { checkpoint } = await sympow(folder, 'train', 'text.txt', ...run, ...shape);
    const trained = resolve(folder, String(checkpoint));
    const names = ['config.json', 'model.safetensors', 'tokenizer.json'];
    await page.getByLabel('Files of a checkpoint').setInputFiles(names.map((name) => join(trained, name)));
    await page.getByText('opened files, ').waitFor();
    await writes(page);

    const [open, closed] = [await serveFolder(folder), await serveFolder(folder, false)];
    await goTo(page, 'Keep');
    const address = page.getByLabel('Folder of a checkpoint, or a .tar');
    const fetched = async (url: string) => {
      await address.fill(url);
      await page.getByRole('button', { name: 'Fetch' }).click();
    };
    const alert = () => page.getByRole('alert').filter({ hasText: /./ }).innerText();
    await fetched(`${closed.url}/Small-stories`);
    await expect.poll(alert).toMatch(/cannot read http.*CORS/s);
    await page.getByText('opened files, ').waitFor();
    await fetched(`${open.url}/nothing`);
    await expect.poll(alert).toMatch(/there is no checkpoint in http.*nothing/s);
    await fetched(`${open.url}/text.txt`);
    await expect.poll(alert).toMatch(/there is no checkpoint in http.*text\.txt/s);
    await fetched(`${open.url}/Small-stories`);
    await page.getByText('Small-stories, ').waitFor();
    await writes(page);
    await goTo(page, 'Keep');
    await fetched(`${open.url}/model.tar`);
    await page.getByText('model.tar, ').waitFor();
    await Promise.all([open.close(), closed.close()]);
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
    await writes(page);
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
