// The file system of a browser: what every storage does, and a move that was cut off.
import { afterEach, expect, it } from 'vitest';
import { isStorageError } from './errors';
import { opfsStorage } from './opfs';
import { describeStorage } from './storage.cases';

let opened = 0;
afterEach(async () => {
  const root = opfsStorage();
  for (const name of await root.list()) await root.remove(name);
});

describeStorage('in a browser', () => opfsStorage(`tests/${opened++}`));

it('shows nothing of a file until it is whole', async () => {
  const storage = opfsStorage('files');
  async function* slowly() {
    yield Uint8Array.of(1);
    expect(await storage.size('new')).toBeUndefined();
    expect(await storage.size('old')).toBe(3);
    yield Uint8Array.of(2);
  }
  await storage.write('old', 'old');
  await storage.write('new', slowly());
  await storage.write('old', slowly2());
  async function* slowly2() {
    yield Uint8Array.of(1);
    expect(new TextDecoder().decode(await storage.read('old'))).toBe('old');
  }
  expect(await storage.list()).toEqual(['new', 'old']);
  expect(await storage.read('new')).toEqual(Uint8Array.of(1, 2));
  expect(await storage.size('old')).toBe(1);
});

it('does not know a folder whose move was cut off, and can make it anew', async () => {
  const storage = opfsStorage('moves');
  await storage.folder('step.partial').write('weights', 'all of them');
  const directory = await (await navigator.storage.getDirectory()).getDirectoryHandle('moves');
  const half = await directory.getDirectoryHandle('step', { create: true });
  await half.getFileHandle('.moving', { create: true });
  await half.getFileHandle('weights', { create: true });
  expect(await storage.list()).toEqual(['step.partial']);
  expect(await storage.folder('step').list()).toEqual([]);
  expect(await storage.folder('step').size('weights')).toBeUndefined();
  await storage.rename('step.partial', 'step');
  expect(await storage.list()).toEqual(['step']);
  expect(await storage.folder('step').size('weights')).toBe(11);

  await half.getFileHandle('.moving', { create: true });
  await storage.folder('step').write('weights', 'new');
  expect(await storage.folder('step').list()).toEqual(['weights']);
  expect(await storage.folder('step').size('weights')).toBe(3);
});

it('says so where a file stands for a folder', async () => {
  const storage = opfsStorage('mixed');
  await storage.write('file', 'x');
  const error: unknown = await storage
    .folder('file')
    .write('y', 'z')
    .catch((thrown: unknown) => thrown);
  expect(isStorageError(error, 'taken'), String(error)).toBe(true);
});
